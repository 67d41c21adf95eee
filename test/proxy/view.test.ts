/** Where the proxy's view comes from: `group` lines, or config servers that push every change. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { realTimers, realWorld } from '../../src/base';
import { ConfigNode, configSettings } from '../../src/config';
import { Client } from '../../src/net';
import { ProxyNode, proxySettings, staticView } from '../../src/proxy';
import { until } from './cluster';

test('group lines add up to a view with the slots spread evenly', () => {
  const settings = proxySettings();
  expect(settings.set('group', ['1 10.0.0.1:6379 10.0.0.2:6379'], 'line')).toBe(null);
  expect(settings.set('group', ['2', '[::1]:6380'], 'line')).toBe(null);
  expect(settings.getText('group')).toBe('1 10.0.0.1:6379 10.0.0.2:6379 2 [::1]:6380');
  const view = staticView(settings.values['group'], 'here')!;
  expect(view.ranges()).toEqual([
    [0, 511, 1],
    [512, 1023, 2],
  ]);
  expect(view.group(1)?.members.map(({ id, role, zone }) => [id, role, zone])).toEqual([
    ['10.0.0.1:6379', 'master', 'here'],
    ['10.0.0.2:6379', 'replica', 'here'],
  ]);
  expect(view.group(2)?.master).toMatchObject({ host: '::1', port: 6380 });
  expect(staticView([], '')).toBe(null);
});

test.each([['host:1'], ['1'], ['1 nonsense'], ['1 host:0'], ['1 host:1 2']])('a group is not "%s"', (line) => {
  expect(proxySettings().set('group', [line], 'line')).not.toBe(null);
});

test('views are pushed by a config server, acknowledged, and asked for again after it was away', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'slotcache-proxy-'));
  const startConfig = async (port: number): Promise<{ config: ConfigNode; port: number }> => {
    const settings = configSettings();
    settings.assign({ port: 0, dir: directory });
    const config = new ConfigNode(realWorld(), settings);
    await config.start();
    const address = await config.listen({ host: '127.0.0.1', port });
    return { config, port: (address as { port: number }).port };
  };
  const { config, port } = await startConfig(0);
  const settings = proxySettings();
  settings.assign({ port: 0, 'config-servers': `127.0.0.1:${port}` });
  const proxy = new ProxyNode(realWorld(), settings);
  await proxy.start();
  await proxy.viewKnown();

  const operator = await Client.connect({ host: '127.0.0.1', port }, realTimers);
  await operator.command('GROUP', 'CREATE', 1);
  await operator.command('GROUP', 'ADD', 1, '127.0.0.1', 7001, 'NOCHECK');
  const version = (await operator.command('SLOTS', 'SPREAD', 1)) as number;
  await until(() => proxy.router.view.version >= version);
  const followers = async (): Promise<unknown> => ((await operator.command('STATUS')) as unknown[]).at(-1);
  const isAcknowledged = (list: unknown): boolean => (list as [string, number][]).some(([, acked]) => acked >= version);
  let list = await followers();
  while (!isAcknowledged(list)) list = await followers();
  await operator.close();

  await config.stop();
  await until(() => proxy.allegiance?.connectedTo === null);
  expect(proxy.router.view.version).toBeGreaterThanOrEqual(version);
  const again = await startConfig(port);
  await until(() => proxy.allegiance?.connectedTo !== null);
  again.config.plane.propose({ does: 'create-group', group: 2 }, 'test', () => undefined);
  await until(() => proxy.router.view.group(2) !== null);
  await proxy.stop();
  await again.config.stop();
  await rm(directory, { recursive: true });
});
