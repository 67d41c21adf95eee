/**
 * The checks of the Raft simulation notice what they are there for. Each row is a short history that keeps every promise, and one deed
 * more that breaks one; a check that slept would let the row pass.
 */
import { describe, expect, test } from 'vitest';
import { membershipOf, type Entry, type EntryKind, type Message, type NodeId } from '../../src/raft';
import { RaftChecks, type CheckedNode } from '../../src/sim/raft/raft-checks';

const TRIO = membershipOf([1, 2, 3]);
const NOTHING_SAVED = { hardState: { term: 0, vote: 0, commit: 0 }, snapshot: null, entries: [] };

function entry(index: number, term: number, text = '', kind: EntryKind = 'command'): Entry {
  return { index, term, kind, data: Buffer.from(text) };
}

function node(id: NodeId, what: Partial<CheckedNode> = {}): CheckedNode {
  return { id, isLeader: false, term: 1, applied: 0, commit: 0, membership: TRIO, ...what };
}

function leader(id: NodeId, term: number, what: Partial<CheckedNode> = {}): CheckedNode {
  return node(id, { isLeader: true, term, ...what });
}

function heartbeat(from: NodeId, term: number): Message {
  return { type: 'heartbeat', from, to: 3, term, commit: 0, round: 1 };
}

function vote(from: NodeId, to: NodeId, term: number, isTransfer = false): Message {
  return { type: 'vote', from, to, term, lastIndex: 0, lastTerm: 0, isTransfer };
}

function voteReply(
  from: NodeId,
  to: NodeId,
  term: number,
  type: 'vote-reply' | 'pre-vote-reply' = 'vote-reply',
): Message {
  return { type, from, to, term, isGranted: true };
}

/** Gives entries to the disks of some, and lets the disks have them. */
function save(checks: RaftChecks, ids: readonly NodeId[], ...entries: readonly Entry[]): void {
  for (const id of ids) {
    checks.saving(node(id), entries);
    checks.saved(id, entries[entries.length - 1].index);
  }
}

interface Row {
  readonly rule: string;
  readonly what: string;
  /** What is allowed. */
  readonly before: (checks: RaftChecks) => void;
  /** What is not. */
  readonly breach: (checks: RaftChecks) => void;
}

const ROWS: readonly Row[] = [
  {
    rule: 'R1',
    what: 'two speak as leader of a term',
    before: (checks) => {
      checks.sent(node(1), heartbeat(1, 2));
      checks.sent(node(2), heartbeat(2, 3));
    },
    breach: (checks) => checks.sent(node(1), heartbeat(1, 3)),
  },
  {
    rule: 'R2',
    what: 'a leader replaces its entries',
    before: (checks) => {
      save(checks, [1], entry(1, 1), entry(2, 1));
      checks.saving(node(1, { term: 2 }), [entry(2, 2)]);
    },
    breach: (checks) => checks.saving(leader(1, 3), [entry(2, 3)]),
  },
  {
    rule: 'R3',
    what: 'another entry of the same index and term',
    before: (checks) => save(checks, [1, 2], entry(1, 1, 'a')),
    breach: (checks) => save(checks, [3], entry(1, 1, 'b')),
  },
  {
    rule: 'R3',
    what: 'another history before the same entry',
    before: (checks) => {
      save(checks, [1], entry(1, 1), entry(2, 3, 'x'));
      save(checks, [2], entry(1, 2));
    },
    breach: (checks) => save(checks, [2], entry(2, 3, 'x')),
  },
  {
    rule: 'R4',
    what: 'a leader lacks what was committed before its term',
    before: (checks) => {
      save(checks, [1, 2], entry(1, 1));
      checks.applied(leader(1, 1, { commit: 1 }), entry(1, 1), 7);
      checks.becameLeader(leader(2, 2));
    },
    breach: (checks) => checks.becameLeader(leader(3, 3)),
  },
  {
    rule: 'R4',
    what: 'an entry of a former term is decided by counting',
    before: (checks) => {
      save(checks, [1, 2], entry(1, 1));
      checks.becameLeader(leader(1, 2));
    },
    breach: (checks) => checks.applied(leader(1, 2, { commit: 1 }), entry(1, 1), 7),
  },
  {
    rule: 'R4',
    what: 'an entry is decided that only its leader has',
    before: (checks) => {
      save(checks, [1, 2], entry(1, 1));
      checks.applied(leader(1, 1, { commit: 1 }), entry(1, 1), 7);
      save(checks, [1], entry(2, 1));
    },
    breach: (checks) => checks.applied(leader(1, 1, { applied: 1, commit: 2 }), entry(2, 1), 8),
  },
  {
    rule: 'R4',
    what: 'of a joint membership, only the incoming half has what is decided',
    before: (checks) => save(checks, [1, 2], entry(1, 1)),
    breach: (checks) => {
      const membership = { ...membershipOf([1, 2]), votersOutgoing: [1, 3, 4] };
      checks.applied(leader(1, 1, { commit: 1, membership }), entry(1, 1), 7);
    },
  },
  {
    rule: 'R5',
    what: 'two carry out different entries',
    before: (checks) => {
      save(checks, [1, 2, 3], entry(1, 1));
      checks.applied(leader(1, 1, { commit: 1 }), entry(1, 1), 7);
      checks.applied(node(2), entry(1, 1), 7);
    },
    breach: (checks) => checks.applied(node(3), entry(1, 1), 8),
  },
  {
    rule: 'R5',
    what: 'a snapshot restores another state',
    before: (checks) => {
      save(checks, [1, 2], entry(1, 1));
      checks.applied(leader(1, 1, { commit: 1 }), entry(1, 1), 7);
      checks.restored(2, 1, 7);
    },
    breach: (checks) => checks.restored(3, 2, 8),
  },
  {
    rule: 'R6',
    what: 'what was carried out is replaced',
    before: (checks) => {
      save(checks, [1, 2], entry(1, 1), entry(2, 1));
      checks.applied(leader(1, 1, { commit: 1 }), entry(1, 1), 7);
      checks.saving(node(2, { term: 2 }), [entry(2, 2)]);
    },
    breach: (checks) => checks.saving(node(2, { term: 3 }), [entry(1, 3)]),
  },
  {
    rule: 'R7',
    what: 'a node votes for two in a term',
    before: (checks) => {
      checks.sent(node(3), voteReply(3, 1, 2));
      checks.sent(node(3), voteReply(3, 1, 2));
      checks.sent(node(3), voteReply(3, 2, 3));
    },
    breach: (checks) => checks.sent(node(3), voteReply(3, 1, 3)),
  },
  {
    rule: 'R7',
    what: 'a candidate votes for another',
    before: (checks) => checks.sent(node(1), vote(1, 2, 2, true)),
    breach: (checks) => checks.sent(node(1), voteReply(1, 3, 2)),
  },
  {
    rule: 'R7',
    what: 'a node speaks in a term that it has left',
    before: (checks) => checks.sent(node(1), heartbeat(1, 5)),
    breach: (checks) => checks.sent(node(1), voteReply(1, 2, 4)),
  },
  {
    rule: 'R7',
    what: 'a node starts in a term before one that it has spoken in',
    before: (checks) => {
      checks.sent(node(1), heartbeat(1, 5));
      checks.loaded(1, { ...NOTHING_SAVED, hardState: { term: 5, vote: 0, commit: 0 } });
    },
    breach: (checks) => checks.loaded(1, { ...NOTHING_SAVED, hardState: { term: 4, vote: 0, commit: 0 } }),
  },
  {
    rule: 'R8',
    what: 'a read is older than what was acknowledged before it',
    before: (checks) => checks.readable(node(1, { applied: 4 }), 4),
    breach: (checks) => checks.readable(node(2, { applied: 3 }), checks.acknowledged),
  },
  {
    rule: 'R9',
    what: 'two changes of membership are in flight',
    before: (checks) => {
      checks.saving(leader(1, 1), [entry(1, 1, 'a', 'membership')]);
      checks.saving(leader(1, 1, { applied: 1 }), [entry(2, 1, 'b', 'membership')]);
    },
    breach: (checks) => checks.saving(leader(1, 1, { applied: 1 }), [entry(3, 1, 'c', 'membership')]),
  },
  {
    rule: 'C1',
    what: 'an entry is acknowledged that the disk has not',
    before: (checks) => {
      save(checks, [2], entry(1, 1));
      checks.saving(node(2), [entry(2, 1)]);
      checks.sent(node(2), acknowledgement(2, 1));
    },
    breach: (checks) => checks.sent(node(2), acknowledgement(2, 2)),
  },
  {
    rule: 'C4',
    what: 'an entry is carried out that the disk has not',
    before: (checks) => save(checks, [1, 2], entry(1, 1)),
    breach: (checks) => checks.applied(node(3), entry(1, 1), 7),
  },
  {
    rule: 'pre-vote',
    what: 'a node stands whom no quorum would elect',
    before: (checks) => {
      checks.sent(node(1), { ...vote(1, 2, 2), type: 'pre-vote' } as Message);
      checks.received(node(1), voteReply(2, 1, 2, 'pre-vote-reply'));
      checks.sent(node(1), vote(1, 2, 2));
      checks.sent(node(2), { ...vote(2, 1, 3), type: 'pre-vote' } as Message);
    },
    breach: (checks) => checks.sent(node(2), vote(2, 1, 3)),
  },
  {
    rule: 'transfer',
    what: 'a node is told to lead before it has the log',
    before: (checks) => {
      save(checks, [1, 2], entry(1, 1));
      checks.sent(node(1), { type: 'timeout-now', from: 1, to: 2, term: 1 });
    },
    breach: (checks) => checks.sent(node(1), { type: 'timeout-now', from: 1, to: 3, term: 1 }),
  },
];

function acknowledgement(from: NodeId, index: number): Message {
  return { type: 'append-reply', from, to: 1, term: 1, index, isRejected: false, hintIndex: 0, hintTerm: 0 };
}

describe('what breaks a promise is noticed, and what comes before is not', () => {
  test.each(ROWS)('$rule: $what', ({ rule, before, breach }) => {
    const checks = new RaftChecks();
    for (const id of [1, 2, 3]) checks.loaded(id, NOTHING_SAVED);
    before(checks);
    expect(() => breach(checks)).toThrow(`${rule}: `);
  });
});
