/** The suite for transports holds for a network in memory, and finds what is wrong with worse ones. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { realTimers } from '../../src/base';
import { transportConformance, type TransportsUnderTest } from '../../src/raft/conformance-transport';
import type { Transport } from '../../src/raft/ports';
import type { Message, NodeId } from '../../src/raft/types';
import { MemoryNetwork } from './memory-network';

function inMemory(nodes: readonly NodeId[], lets: MemoryNetwork['lets'] = () => true): Promise<TransportsUnderTest> {
  const network = new MemoryNetwork(realTimers);
  network.lets = lets;
  const transports = nodes.map((node) => network.of(node));
  return Promise.resolve({ transports, settle: () => sleep(2), close: () => Promise.resolve() });
}

describe('in memory', () => {
  transportConformance({ test: (name, run) => test(name, run), assert }, inMemory);
});

describe('in memory, losing every second message', () => {
  let sent = 0;
  const tools = { test: (name: string, run: () => Promise<void>) => test(name, run), assert };
  transportConformance(tools, (nodes) => inMemory(nodes, () => ++sent % 2 === 0));
});

/** Names of the tests that fail. */
async function failuresOf(
  spoil: (transport: Transport, send: (message: Message) => void) => Transport['send'],
): Promise<string[]> {
  const failures: string[] = [];
  const runs: (() => Promise<void>)[] = [];
  const declare = (name: string, run: () => Promise<void>): void => {
    runs.push(() => run().catch(() => void failures.push(name)));
  };
  transportConformance({ test: declare, assert }, async (nodes) => {
    const made = await inMemory(nodes);
    for (const transport of made.transports) {
      const send = transport.send.bind(transport);
      transport.send = spoil(transport, send);
    }
    return { ...made, settle: () => sleep(1) };
  });
  await Promise.all(runs.map((run) => run()));
  return failures;
}

test('one that changes a message is found', async () => {
  const failures = await failuresOf((_, send) => (message) => {
    send(message.type === 'heartbeat' ? { ...message, round: message.round + 1 } : message);
  });
  expect(failures).toEqual(["carries a message of the type 'heartbeat'"]);
});

test('one that delivers at once is found', async () => {
  const receivers: Transport[] = [];
  const failures = await failuresOf((transport, send) => {
    receivers.push(transport);
    return (message) => {
      if (message.to === 2) receivers[receivers.indexOf(transport) + 1]?.onMessage(message);
      else send(message);
    };
  });
  expect(failures).toContain('does not deliver while it is asked to send');
});

test('one that sends to all is found', async () => {
  const all: Transport[] = [];
  const failures = await failuresOf((transport) => {
    all.push(transport);
    return (message) => void setImmediate(() => all.forEach((receiver) => receiver.onMessage(message)));
  });
  expect(failures).toContain('carries from each to each, and to nobody else');
});
