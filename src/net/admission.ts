/**
 * Admission: who is let in, and what the others are told. Every node has the same rules, Redis' own: not more than `maxclients`,
 * and in protected mode nobody from another machine as long as there is no password.
 */
import type { Connection, ConnectionHandler } from './connection';

export interface AdmissionSettings {
  readonly maxclients: number;
  readonly 'protected-mode': boolean;
  readonly requirepass: string;
}

/**
 * Why a connection is not let in, as the text of an error reply; null where it is.
 * @param program as the text names the node: "cache-server"
 * @param clientCount how many clients are connected already
 */
export function refusalOf(
  connection: Connection,
  settings: AdmissionSettings,
  program: string,
  clientCount: number,
): string | null {
  if (clientCount >= settings.maxclients) return 'ERR max number of clients reached';
  if (connection.isLocal || !settings['protected-mode'] || settings.requirepass !== '') return null;
  return (
    `DENIED ${program} is running in protected mode because protected mode is enabled and no password is set for its ` +
    'clients. In this mode connections are only accepted from the loopback interface. To connect from other machines: ' +
    "set a password (setting 'requirepass'), or turn protected mode off (setting 'protected-mode'); do the latter only " +
    'where nobody from outside can reach the port.'
  );
}

/** Sends one last error line to a connection that is not let in. `error` has no "-". */
export function turnAway(connection: Connection, error: string): ConnectionHandler {
  connection.write(Buffer.from(`-${error}\r\n`));
  connection.end();
  return { received: () => undefined, closed: () => undefined };
}
