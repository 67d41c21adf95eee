/**
 * Opening: what a server says to a directory: that it refuses it, and why, or what it has loaded. As a process; or ours in this
 * one, which takes milliseconds where a process takes half a second.
 */
import { realTimers, realWorld } from '../../src/base';
import { Client } from '../../src/net';
import { DataNode, serverSettings } from '../../src/server';
import { signatureOf } from './dataset';
import { ServerProcess, type Settings, type Target } from './server-process';

export interface Opened {
  /** Of the data; null where the directory was refused. */
  readonly signature: string | null;
  /** What was said meanwhile, the reason of a refusal too. */
  readonly log: string;
}

export type Opener = (settings: Settings) => Promise<Opened>;

const READY = 'Ready to accept connections';
const READY_MS_MAX = 5000;

export function openerInProcess(): Opener {
  return async (settings) => {
    const table = serverSettings();
    table.assign({ ...settings, port: 0 });
    const lines: string[] = [];
    const node = new DataNode(realWorld({ log: (_level, line) => void lines.push(line) }), table);
    try {
      await node.start();
    } catch (error) {
      return { signature: null, log: [...lines, (error as Error).message].join('\n') };
    }
    const end = node.connectInMemory();
    const client = Client.over(end.connection, realTimers);
    end.attach(client);
    const signature = await signatureOf(client);
    await client.close();
    await node.stop();
    return { signature, log: lines.join('\n') };
  };
}

/** A server that is neither ready nor gone in time is taken to have refused. */
export function openerOf(target: Target): Opener {
  return async (settings) => {
    const server = await ServerProcess.begin(target, settings);
    if (!(await server.says(READY, READY_MS_MAX))) {
      await server.kill();
      return { signature: null, log: server.log };
    }
    const client = await server.connect();
    const signature = await signatureOf(client);
    await client.close();
    await server.kill();
    return { signature, log: server.log };
  };
}
