/** Whom the leader grants leases, and for whom the fence waits. */
import { expect, test, vi } from 'vitest';
import type { LeaseAnswer } from '../../src/config/control-host';
import { PaperHost } from './paper-host';

const PROXY = 'a'.repeat(40);

function valuesOf(answer: LeaseAnswer): readonly (string | number)[] {
  return 'values' in answer ? answer.values : [answer.error];
}

function leading(engine: 'slotcache' | 'redis' = 'slotcache'): PaperHost {
  const host = new PaperHost();
  host.group(1, engine, 2);
  host.decide({ does: 'register-proxy', proxy: { runId: PROXY, address: '10.0.0.2:6379', zone: '' } });
  host.start();
  return host;
}

function beginFailover(host: PaperHost): number {
  const { epoch } = host.state.view.group(1)!;
  const what = { target: '', reason: 'test', votes: [], beganAtMs: 0, detectedAfterMs: 0 };
  host.decide({ does: 'begin-failover', group: 1, kind: 'automatic', epoch, ...what });
  host.leases.stateChanged();
  return host.state.view.version;
}

test('servers get the duty that the state has for them', () => {
  const host = leading();
  const duty = (runId: string): string | number => valuesOf(host.leases.renewServer(runId, 0))[2];
  expect(duty('run of 10.0.0.1:7010')).toBe('serve');
  expect(duty('run of 10.0.0.1:7011')).toBe('follow');
  expect(duty('another')).toBe('stranger');
  expect(duty('')).toBe('stranger');
  beginFailover(host);
  expect(duty('run of 10.0.0.1:7010')).toBe('wait');
  expect(duty('run of 10.0.0.1:7011')).toBe('wait');
});

test('nothing is granted while a change of master is proposed', () => {
  const host = leading();
  host.leases.hold(1);
  expect(valuesOf(host.leases.renewServer('run of 10.0.0.1:7010', 0)).slice(0, 3)).toEqual([
    0,
    host.state.view.version,
    'wait',
  ]);
  host.leases.release(1);
  expect(valuesOf(host.leases.renewServer('run of 10.0.0.1:7010', 0))[0]).toBe(800);
});

test('proxies must be registered, and who does not lead grants nothing', () => {
  const host = leading();
  expect(host.leases.renewProxy('b'.repeat(40), 0)).toMatchObject({ error: expect.stringMatching(/^UNREGISTERED /) });
  host.lead(false);
  expect(host.leases.renewProxy(PROXY, 0)).toMatchObject({ error: expect.stringMatching(/^NOQUORUM /) });
  expect(host.leases.renewServer('x', 0)).toMatchObject({ error: expect.stringMatching(/^NOQUORUM /) });
});

test('the fence waits for a proxy until it has the view, or its lease has lapsed', () => {
  const host = leading('redis');
  host.time.run(1000);
  const before = host.state.view.version;
  expect(valuesOf(host.leases.renewProxy(PROXY, before))).toEqual([800, before]);
  const version = beginFailover(host);
  expect(host.leases.proxiesBehind(version)).toBe(1);
  host.leases.renewProxy(PROXY, version);
  expect(host.leases.proxiesBehind(version)).toBe(0);
});

test('a fence that waited for nobody stays: of a change that was decided in this very turn, too', () => {
  const host = leading('redis');
  host.time.run(1000);
  const before = host.state.view.version;
  const told = vi.spyOn(host.leases, 'stateChanged').mockImplementation(() => undefined);
  const version = beginFailover(host);
  told.mockRestore();
  expect(host.leases.proxiesBehind(version)).toBe(0);
  expect(valuesOf(host.leases.renewProxy(PROXY, before))[0]).toBe(0);
  expect(host.leases.proxiesBehind(version)).toBe(0);
});

test('who waits for proxies is told of each that comes to a newer view, once', () => {
  const host = leading('redis');
  host.time.run(1000);
  const before = host.state.view.version;
  const behind: number[] = [];
  host.leases.onCaughtUp = () => behind.push(host.leases.proxiesBehind(before + 1));
  host.leases.renewProxy(PROXY, before);
  host.leases.renewProxy(PROXY, before);
  const version = beginFailover(host);
  host.leases.renewProxy(PROXY, before);
  expect(behind).toEqual([0]);
  expect(host.leases.proxiesBehind(version)).toBe(1);
  host.leases.renewProxy(PROXY, version);
  host.leases.renewProxy(PROXY, version);
  expect(behind).toEqual([0, 0]);
});

test('a proxy that is behind keeps its lease for a while, and then gets none; one without a lease gets none at once', () => {
  const host = leading('redis');
  host.time.run(1000);
  const before = host.state.view.version;
  host.leases.renewProxy(PROXY, before);
  const version = beginFailover(host);
  host.time.run(500);
  expect(valuesOf(host.leases.renewProxy(PROXY, before))[0]).toBe(800);
  host.time.run(400);
  expect(valuesOf(host.leases.renewProxy(PROXY, before))[0]).toBe(0);
  expect(host.leases.proxiesBehind(version)).toBe(1);
  host.time.run(500);
  expect(host.leases.proxiesBehind(version)).toBe(0);
  const { epoch } = host.state.view.group(1)!;
  host.decide({ does: 'abandon-failover', group: 1, epoch, reason: 'test', runId: 'run of 10.0.0.1:7010' });
  host.leases.stateChanged();
  expect(valuesOf(host.leases.renewProxy(PROXY, before))[0]).toBe(0);
  expect(valuesOf(host.leases.renewProxy(PROXY, version))[0]).toBe(800);
});

test('proxies that have deregistered, or that only a former leader knew, are waited for as well', () => {
  const host = leading('redis');
  const { version } = host.state.view;
  host.lead(true);
  expect(host.leases.proxiesBehind(version)).toBe(1);
  host.time.run(900);
  expect(host.leases.proxiesBehind(version + 1)).toBe(0);
  host.leases.renewProxy(PROXY, version);
  host.decide({ does: 'deregister-proxy', address: '10.0.0.2:6379' });
  host.leases.stateChanged();
  expect(host.leases.proxiesBehind(version + 1)).toBe(1);
  host.time.run(900);
  expect(host.leases.proxiesBehind(version + 1)).toBe(0);
});
