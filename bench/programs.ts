/**
 * Programs: the servers that are compared and how each is started, at one place.
 *
 * Ours and the peer get the same task by the same arguments: no persistence unless the question is about it, one listener, a directory of
 * the bench's, so that no file that lies about is loaded or written over, defaults otherwise. Nobody is tuned; who wants to see a tuned peer changes it here and says so beside the table.
 */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BenchError, type Program, scratchDirectory, ServerProcess } from './processes';

const BUILD_FIRST = 'build first: npm run build';

/** Arguments of a data server, ours and Redis alike. */
const SERVER_ARGS = (port: number): string[] => [
  '--port',
  String(port),
  '--dir',
  scratchDirectory(),
  '--save',
  '',
  '--appendonly',
  'no',
];

/** Arguments of cache-proxy with a static view: all slots at one group of one server, no control plane. */
const PROXY_ARGS = (port: number, backendPort: number): string[] => [
  '--port',
  String(port),
  '--config-servers',
  '',
  '--group',
  `1 127.0.0.1:${backendPort}`,
];

export const CACHE_SERVER: Program = {
  name: 'cache-server',
  command: process.execPath,
  script: resolve('dist/bin/cache-server.js'),
  serve: SERVER_ARGS,
  versionFlag: '--version',
  remedy: BUILD_FIRST,
};

export const REDIS_SERVER: Program = {
  name: 'redis-server',
  command: 'redis-server',
  serve: SERVER_ARGS,
  versionFlag: '--version',
  remedy: 'install Redis (Debian package redis-server)',
};

/** A data server that keeps its files in `directory`; of settings that are given twice, the last counts. */
export function inDirectory(program: Program, directory: string, ...settings: string[]): Program {
  return { ...program, serve: (port) => [...program.serve(port), '--dir', directory, ...settings] };
}

/** Our proxy in front of the server at `backendPort`. */
export function cacheProxy(backendPort: number): Program {
  return {
    name: 'cache-proxy',
    command: process.execPath,
    script: resolve('dist/bin/cache-proxy.js'),
    serve: (port) => PROXY_ARGS(port, backendPort),
    versionFlag: '--version',
    remedy: BUILD_FIRST,
  };
}

/** twemproxy in front of the server at `backendPort`: one pool of one server, timeouts and limits as they come. */
export function twemproxy(backendPort: number): Program {
  return {
    name: 'twemproxy',
    command: 'nutcracker',
    serve(port) {
      const file = join(scratchDirectory(), `nutcracker-${port}.yml`);
      writeFileSync(
        file,
        [
          'bench:',
          `  listen: 127.0.0.1:${port}`,
          '  hash: fnv1a_64',
          '  distribution: ketama',
          '  redis: true',
          '  servers:',
          `   - 127.0.0.1:${backendPort}:1`,
          '',
        ].join('\n'),
      );
      // Its statistics listen on a port of their own, 22222 unless told; the next one up lets two run side by side.
      return ['--conf-file', file, '--stats-addr', '127.0.0.1', '--stats-port', String(port + 1)];
    },
    versionFlag: '--version',
    remedy: 'install twemproxy (Debian package nutcracker)',
  };
}

/** What a bench measures. `null` stands for a side that could not be started. */
export interface Contenders {
  readonly ours: ServerProcess | null;
  readonly peer: ServerProcess | null;
}

/** A second copy of the peer to take our place: all ratios should then be 1, and what they are instead is the noise. */
export function again(peer: Program): Program {
  return { ...peer, name: `${peer.name} again` };
}

/** Starts both sides. A side that cannot be started costs one line, not the bench. @throws BenchError if neither can */
export async function startContenders(ours: Program, peer: Program): Promise<Contenders> {
  const contenders = { ours: await startIfPossible(ours), peer: await startIfPossible(peer) };
  if (contenders.ours === null && contenders.peer === null) throw new BenchError('nothing to measure');
  return contenders;
}

export async function stopContenders(contenders: Contenders): Promise<void> {
  await contenders.ours?.stop();
  await contenders.peer?.stop();
}

/** The started server, or null after a line that says why not. */
export async function startIfPossible(program: Program): Promise<ServerProcess | null> {
  try {
    return await ServerProcess.start(program);
  } catch (error) {
    if (!(error instanceof BenchError)) throw error;
    console.error(error.message);
    return null;
  }
}
