/** Settings: kinds, sources, CONFIG SET and GET. Texts of errors are those of a Redis 7.0.15. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CacheError,
  formatMemory,
  integer,
  memory,
  octal,
  oneOf,
  outputLimits,
  parseMemory,
  percentiles,
  savePoints,
  Settings,
  someOf,
  text,
  words,
  yesNo,
} from '../../src/base';

const does = 'Serves as an example.';
const none = { hardBytes: 0, softBytes: 0, softSeconds: 0 };

function example() {
  return new Settings({
    port: integer(6379, { max: 65535, immutable: true, does }),
    timeout: integer(0, { does }),
    hz: integer(10, { adjust: (value) => Math.min(500, Math.max(1, value)), does }),
    maxmemory: memory(0, { max: 2n ** 64n - 1n, does }),
    'maxmemory-clients': memory(0, { percent: true, does }),
    'proto-max-bulk-len': memory(512 * 1024 * 1024, { min: 1024 * 1024, does }),
    perm: octal(0, { does }),
    policy: oneOf('noeviction', ['allkeys-lru', 'noeviction'], { does }),
    'replica-read-only': yesNo(true, { alias: 'slave-read-only', does }),
    requirepass: text('', { sensitive: true, does }),
    dir: text('.', { protected: true, does }),
    bind: words(['*', '-::*'], { does }),
    save: savePoints([{ seconds: 3600, changes: 1 }], { inert: true, does }),
    'client-output-buffer-limit': outputLimits({ normal: none, replica: none, pubsub: none }, { does }),
    'latency-tracking-info-percentiles': percentiles([50, 99, 99.9], { does }),
    'shutdown-on-sigint': someOf(['default', 'save', 'now'], { does }),
  });
}

function refusal(name: string, reason: string): string {
  return `ERR CONFIG SET failed (possibly related to argument '${name}') - ${reason}`;
}

describe('a change by a client', () => {
  it.each([
    [['foo', 'bar'], "ERR Unknown option or number of arguments for CONFIG SET - 'foo'"],
    [['timeout', '3', 'Foo', '1'], "ERR Unknown option or number of arguments for CONFIG SET - 'Foo'"],
    [['foo', 'bar', 'timeout'], 'ERR syntax error'],
    [['Port', '1'], refusal('Port', "can't set immutable config")],
    [['dir', '/'], refusal('dir', "can't set protected config")],
    [['timeout', '5', 'TIMEOUT', '6'], refusal('TIMEOUT', 'duplicate parameter')],
    [['TIMEOUT', 'x'], refusal('timeout', "argument couldn't be parsed into an integer")],
    [['timeout', '007'], refusal('timeout', "argument couldn't be parsed into an integer")],
    [['timeout', '99999999999999999999'], refusal('timeout', "argument couldn't be parsed into an integer")],
    [['timeout', '-1'], refusal('timeout', 'argument must be between 0 and 2147483647 inclusive')],
    [['maxmemory', '1KiB'], refusal('maxmemory', 'argument must be a memory value')],
    [['maxmemory-clients', '%'], refusal('maxmemory-clients', 'argument must be a memory or percent value')],
    [['maxmemory-clients', '101%'], refusal('maxmemory-clients', 'percentage argument must be less or equal to 100')],
    [
      ['proto-max-bulk-len', '5'],
      refusal('proto-max-bulk-len', 'argument must be between 1048576 and 9223372036854775807 inclusive'),
    ],
    [['perm', '9'], refusal('perm', "argument couldn't be parsed as an octal number")],
    [['perm', '1000'], refusal('perm', 'argument must be between 0 and 777 inclusive')],
    [['policy', 'x'], refusal('policy', 'argument(s) must be one of the following: allkeys-lru, noeviction')],
    [['slave-read-only', 'maybe'], refusal('slave-read-only', "argument must be 'yes' or 'no'")],
    [['save', '900'], refusal('save', 'Invalid save parameters')],
    [['save', '0 1'], refusal('save', 'Invalid save parameters')],
    [
      ['client-output-buffer-limit', 'normal 1 2'],
      refusal('client-output-buffer-limit', 'Wrong number of arguments in buffer limit configuration.'),
    ],
    [
      ['client-output-buffer-limit', 'master 1 2 3'],
      refusal('client-output-buffer-limit', 'Invalid client class specified in buffer limit configuration.'),
    ],
    [
      ['client-output-buffer-limit', 'normal 1 2 x'],
      refusal(
        'client-output-buffer-limit',
        'Error in hard, soft or soft_seconds setting in buffer limit configuration.',
      ),
    ],
    [
      ['latency-tracking-info-percentiles', '150'],
      refusal(
        'latency-tracking-info-percentiles',
        'latency-tracking-info-percentiles parameters should sit between [0.0,100.0]',
      ),
    ],
    [
      ['shutdown-on-sigint', ''],
      refusal('shutdown-on-sigint', 'argument(s) must be one of the following: default, save, now'),
    ],
  ])('%j is refused in the words of Redis', (pairs, reply) => {
    const settings = example();
    const before = settings.match(['*']);
    expect(settings.change(pairs, false)).toBe(reply);
    expect(settings.match(['*'])).toEqual(before);
  });

  it.each([
    ['timeout', '5', '5'],
    ['hz', '0', '1'],
    ['hz', '1000', '500'],
    ['maxmemory', '1GB', '1073741824'],
    ['maxmemory', '1k', '1000'],
    ['maxmemory', '', '0'],
    ['maxmemory-clients', '5%', '5%'],
    ['proto-max-bulk-len', '9223372036854775807', '9223372036854775807'],
    ['perm', '700', '700'],
    ['policy', 'AllKeys-LRU', 'allkeys-lru'],
    ['slave-read-only', 'NO', 'no'],
    ['requirepass', 'two words ü', 'two words ü'],
    ['bind', '127.0.0.1 ::1', '127.0.0.1 ::1'],
    ['bind', '', ''],
    ['save', '900 1 300 10', '900 1 300 10'],
    ['save', '', ''],
    ['client-output-buffer-limit', 'SLAVE 1mb 2k 3', 'normal 0 0 0 slave 1048576 2000 3 pubsub 0 0 0'],
    ['latency-tracking-info-percentiles', '50 99.95 1e1', '50 99.95 10'],
    ['shutdown-on-sigint', 'now save', 'save now'],
    ['shutdown-on-sigint', 'default', 'default'],
  ])('%s %j reads as %j', (name, given, shown) => {
    const settings = example();
    expect(settings.change([name, given], false)).toBeNull();
    expect(settings.getText(name)).toBe(shown);
  });

  it('is all or nothing, also for listeners', () => {
    const settings = example();
    const heard: number[] = [];
    settings.onChange('timeout', (value) => heard.push(value));
    expect(settings.change(['timeout', '5', 'policy', 'x'], false)).not.toBeNull();
    expect([settings.values.timeout, heard]).toEqual([0, []]);
  });

  it('tells listeners once all values stand, and only of what changed', () => {
    const settings = example();
    const heard: unknown[] = [];
    const end = settings.onChange('timeout', (value, before) => heard.push([value, before, settings.values.policy]));
    settings.change(['timeout', '5', 'policy', 'allkeys-lru'], false);
    settings.change(['timeout', '5'], false);
    end();
    settings.change(['timeout', '6'], false);
    expect(heard).toEqual([[5, 0, 'allkeys-lru']]);
  });

  it('may touch protected settings where allowed', () => {
    const settings = example();
    expect(settings.change(['dir', '/data'], true)).toBeNull();
    expect(settings.values.dir).toBe('/data');
  });
});

describe('reading', () => {
  it('matches patterns in any case, names as they were asked for, each once', () => {
    const settings = example();
    expect(settings.match(['MAX*', 'maxmemory', 'TimeOut', 'nothing'])).toEqual([
      ['maxmemory', '0'],
      ['maxmemory-clients', '0'],
      ['TimeOut', '0'],
    ]);
    expect(settings.match(['*read-only']).map(([name]) => name)).toEqual(['replica-read-only', 'slave-read-only']);
  });

  it('knows sources, sensitive settings and inert ones in use', () => {
    const settings = example();
    expect(settings.inertInUse()).toEqual([]);
    settings.set('save', ['900', '1'], 'file');
    settings.set('dir', ['/srv'], 'default');
    expect(settings.inertInUse()).toEqual(['save']);
    expect(settings.sourceOf('save')).toBe('file');
    expect(settings.initialOf('dir')).toBe('/srv');
    expect(settings.isSensitive('RequirePass')).toBe(true);
    expect(settings.canonicalName('SLAVE-read-only')).toBe('replica-read-only');
  });

  it('adds up repeated save points of a file; the first replaces the defaults, an empty one clears', () => {
    const settings = example();
    settings.set('save', ['900', '1'], 'file');
    settings.set('save', ['300', '10'], 'file');
    expect(settings.getText('save')).toBe('900 1 300 10');
    settings.set('save', [''], 'line');
    expect(settings.values.save).toEqual([]);
  });
});

describe('values from a program', () => {
  it('are typed or text', () => {
    const settings = example();
    settings.assign({ port: 7000, maxmemory: '64mb', bind: ['::1'], save: '', 'replica-read-only': false });
    const { port, maxmemory, bind, save } = settings.values;
    expect({ port, maxmemory, bind, save }).toEqual({ port: 7000, maxmemory: 64 << 20, bind: ['::1'], save: [] });
  });

  it('are checked like all others', () => {
    expect(() => example().assign({ port: 70000 })).toThrow(
      new CacheError('BAD_SETTING', "setting 'port': argument must be between 0 and 65535 inclusive"),
    );
    expect(() => example().assign({ ['pport' as 'port']: 1 })).toThrow("there is no setting 'pport'");
  });
});

describe('memory units', () => {
  it('read back what they print', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
        fc.constantFrom(1, 2 ** 10, 2 ** 20),
        (n, unit) => {
          const bytes = Math.floor(n / unit) * unit;
          expect(parseMemory(formatMemory(bytes))).toBe(BigInt(bytes));
        },
      ),
    );
  });
});
