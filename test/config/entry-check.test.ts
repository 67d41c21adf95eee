/** What becomes of servers that are to be members, by what they say of themselves. */
import { expect, test } from 'vitest';
import type { ServerDialer } from '../../src/config';
import { checkEntry, type Entrant, type Finding } from '../../src/config/entry-check';
import { VirtualTime } from './virtual-network';

const RUN = 'a'.repeat(40);
const FIT = `# Server\r\nrun_id:${RUN}\r\nloading:0\r\ncluster_enabled:0\r\nrole:master\r\n`;
const HERE = { host: 'h', port: 1 };
const MASTER = { host: 'm', port: 2 };

/** What is found of a server that answers INFO like that; null: it never answers. */
function finding(info: string | Error | null, entrant: Partial<Entrant> = {}): Finding {
  const time = new VirtualTime();
  const dial: ServerDialer = (_, events) => {
    time.after(1, () => events.opened());
    return { command: (_words, done) => info !== null && done(info), close: () => undefined };
  };
  let found: Finding | null = null;
  checkEntry({ timers: time }, dial, { ...HERE, master: null, isForced: false, ...entrant }, (each) => (found = each));
  time.run(3000);
  return found!;
}

test.each([
  ['a server', FIT, {}, { isFit: true, engine: 'redis', runId: RUN }],
  [
    'one of ours that is managed',
    `${FIT}slotcache_managed:1\r\n`,
    {},
    { isFit: true, engine: 'slotcache', runId: RUN },
  ],
  ['one that never answers', null, {}, { isFit: false, message: 'h:1 does not answer within 2000 ms' }],
  ['one that wants a password', new Error('NOAUTH'), {}, { message: 'h:1 does not say what it is: NOAUTH' }],
  ['no server', 'hello', {}, { isFit: false, code: 'REFUSED' }],
  [
    'a node of a Redis Cluster',
    `${FIT.replace('enabled:0', 'enabled:1')}`,
    {},
    { message: 'h:1 is a node of a Redis Cluster' },
  ],
  ['one that loads', FIT.replace('loading:0', 'loading:1'), {}, { isFit: false, code: 'REFUSED' }],
  ['a master with data', `${FIT}db0:keys=1\r\n`, {}, { isFit: true }],
  ['a replica without data', FIT, { master: MASTER }, { isFit: true }],
  ['a replica with data', `${FIT}db0:keys=1\r\n`, { master: MASTER }, { isFit: false, code: 'UNSAFE' }],
  ['that, forced', `${FIT}db0:keys=1\r\n`, { master: MASTER, isForced: true }, { isFit: true }],
  [
    'a replica of that master',
    `${FIT.replace('role:master', 'role:slave')}master_host:m\r\nmaster_port:2\r\ndb0:keys=1\r\n`,
    { master: MASTER },
    { isFit: true },
  ],
] as const)('%s', (_, info, entrant, expected) => {
  expect(finding(info, entrant)).toMatchObject(expected);
});

test('one that cannot be reached', () => {
  const time = new VirtualTime();
  const dial: ServerDialer = (_, events) => {
    events.closed(true, 'ECONNREFUSED');
    return { command: () => undefined, close: () => undefined };
  };
  let found: Finding | null = null;
  checkEntry({ timers: time }, dial, { ...HERE, master: null, isForced: false }, (each) => (found = each));
  expect(found).toMatchObject({ isFit: false, message: 'h:1 cannot be reached: ECONNREFUSED' });
});
