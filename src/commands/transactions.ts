/**
 * Transaction commands: MULTI and what ends it, WATCH and what forgets it.
 *
 * What may not be queued is not said here but by the flag `no_multi` of the commands that it concerns. None of these five
 * reaches the journal by itself: what EXEC runs does.
 */
import { family } from './declaration';

export const transactions = family('transactions', {
  DISCARD: {
    usage: '',
    flags: 'noscript loading stale fast allow_busy',
    reply: 'OK',
    does: 'Drops what was queued since MULTI, and forgets the watched keys.',
    since: '2.0.0',
    cost: 'O(N), N = queued commands',
  },
  EXEC: {
    usage: '',
    flags: 'noscript loading stale skip_slowlog',
    reply: 'any[] | null',
    does: 'Runs what was queued since MULTI with nothing in between, unless a watched key was changed: then replies null.',
    since: '1.2.0',
    cost: 'O(N), N = queued commands, and what these cost',
  },
  MULTI: {
    usage: '',
    flags: 'noscript loading stale fast allow_busy',
    reply: 'OK',
    does: 'Queues the commands that follow, until EXEC runs them together.',
    since: '1.2.0',
    cost: 'O(1)',
  },
  UNWATCH: {
    usage: '',
    flags: 'noscript loading stale fast allow_busy',
    reply: 'OK',
    does: 'Forgets the watched keys.',
    since: '2.2.0',
    cost: 'O(N), N = watched keys',
  },
  WATCH: {
    usage: 'key...',
    flags: 'noscript loading stale fast allow_busy',
    keys: 'ro',
    reply: 'OK',
    does: 'Makes the next EXEC depend on these keys staying as they are.',
    since: '2.2.0',
    cost: 'O(N), N = keys',
  },
});
