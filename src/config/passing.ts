/**
 * Passing: how a request reaches the leader, whichever config server it was said to, and comes back answered once.
 *
 * A request is carried out by the leader: here if this node leads, else over there. Where the leader is lost, or none is known, the request
 * waits for the next one and is passed again, under the same name, so that a change is made once (promise C2). When its patience ends, the
 * answer is `NOQUORUM` if certainly nothing was done, and `UNKNOWNOUTCOME` if it may have been, or may yet be.
 *
 * One timer looks after all that wait: it gives up those whose time has come, and repeats those that may have been lost on the way.
 */
import type { World } from '../base';
import { NOBODY, type NodeId } from '../raft';
import type { PassedRequest, PeerMessage } from './control-host';
import { JsonFields } from './json-fields';
import type { ReplyValue } from './scene';

/** What a request is answered with. */
export type ControlAnswer =
  | { readonly kind: 'value'; readonly value: ReplyValue }
  /** Text without the leading '-' and without a line end. */
  | { readonly kind: 'error'; readonly text: string };

/**
 * What came of a request on a node that may lead. `not-leader`: nothing was done; `lost`: nobody knows.
 */
export type Verdict = ControlAnswer | { readonly kind: 'not-leader' | 'lost' };

/** The node to which this belongs. */
export interface PassingNode {
  readonly id: NodeId;
  readonly leader: NodeId;
  readonly world: Pick<World, 'clock' | 'timers' | 'random'>;
  /** @param from the config server that passed it; this node itself for its own clients */
  carryOut(request: PassedRequest, from: NodeId, answered: (verdict: Verdict) => void): void;
  send(to: NodeId, message: PeerMessage): void;
}

interface Pending {
  readonly number: number;
  readonly request: PassedRequest;
  readonly isRead: boolean;
  readonly deadlineMs: number;
  readonly done: (answer: ControlAnswer) => void;
  /** Who has it; nobody while it waits for a leader. */
  at: NodeId;
  sentMs: number;
  /** It was with a leader who never said what came of it. */
  mayBeDone: boolean;
}

const TICK_MS = 50;
const REPEAT_MS = 500;
const PENDING_MAX = 20_000;
const ENDS = 'this config server does not run';

export class Passing {
  private readonly pending = new Map<number, Pending>();
  /** Requests of others that are being carried out here, as `node:number`. */
  private readonly guests = new Set<string>();
  private next: number;
  private cancelTick: (() => void) | null = null;

  constructor(private readonly node: PassingNode) {
    this.next = node.world.random.uint32();
  }

  start(): void {
    this.cancelTick = this.node.world.timers.every(TICK_MS, () => this.tick());
  }

  /** Answers all who wait. */
  stop(): void {
    this.cancelTick?.();
    this.cancelTick = null;
    for (const pending of this.pending.values()) {
      if (pending.at !== NOBODY) this.lost(pending);
      this.giveUp(pending, ENDS);
    }
  }

  /** Has a request carried out; `done` is called once. */
  ask(request: PassedRequest, isRead: boolean, patienceMs: number, done: (answer: ControlAnswer) => void): void {
    if (this.cancelTick === null) return done({ kind: 'error', text: `NOQUORUM ${ENDS}; nothing was done` });
    if (this.pending.size >= PENDING_MAX) return done({ kind: 'error', text: 'NOQUORUM too many requests wait' });
    const sentMs = this.nowMs();
    const pending: Pending = {
      number: this.next++,
      request,
      isRead,
      deadlineMs: sentMs + patienceMs,
      done,
      at: NOBODY,
      sentMs,
      mayBeDone: false,
    };
    this.pending.set(pending.number, pending);
    this.pass(pending);
  }

  /** Another node leads, or none. */
  leaderChanged(): void {
    for (const pending of this.pending.values()) {
      // What is carried out here comes back by itself.
      if (pending.at === this.node.id || pending.at === this.node.leader) continue;
      if (pending.at !== NOBODY) this.lost(pending);
      this.pass(pending);
    }
  }

  /** Another node passes a request to this one. */
  requested(from: NodeId, number: number, request: PassedRequest): void {
    const guest = `${from}:${number}`;
    if (this.guests.has(guest)) return;
    this.guests.add(guest);
    this.node.carryOut(request, from, (verdict) => {
      this.guests.delete(guest);
      this.node.send(from, { kind: 'answer', number, answer: JSON.stringify(verdict) });
    });
  }

  /** An answer has come. @throws CacheError BAD_MESSAGE */
  answered(from: NodeId, number: number, answer: string): void {
    const pending = this.pending.get(number);
    if (pending === undefined) return;
    const verdict = readVerdict(answer);
    // An answer is one, whoever leads meanwhile; that there is none counts from who has the request now.
    if (verdict.kind === 'value' || verdict.kind === 'error' || pending.at === from) this.take(pending, verdict);
  }

  private pass(pending: Pending): void {
    const { leader, id } = this.node;
    pending.at = leader;
    pending.sentMs = this.nowMs();
    const { request, number } = pending;
    if (leader === id) this.node.carryOut(request, id, (verdict) => this.take(pending, verdict));
    else if (leader !== NOBODY) this.node.send(leader, { kind: 'request', number, request });
  }

  private take(pending: Pending, verdict: Verdict): void {
    if (verdict.kind === 'value' || verdict.kind === 'error') {
      if (this.pending.delete(pending.number)) pending.done(verdict);
      return;
    }
    if (verdict.kind === 'lost') this.lost(pending);
    // Passed again at the next tick, or when a leader is known: at once would be to ask the same node the same.
    pending.at = NOBODY;
  }

  private lost(pending: Pending): void {
    pending.mayBeDone ||= !pending.isRead;
  }

  private tick(): void {
    const nowMs = this.nowMs();
    for (const pending of this.pending.values()) {
      const isAway = pending.at !== NOBODY && pending.at !== this.node.id;
      if (nowMs >= pending.deadlineMs) {
        if (pending.at !== NOBODY) this.lost(pending);
        this.giveUp(pending, this.node.leader === NOBODY ? 'no leader is known' : 'the leader does not answer');
      } else if (pending.at === NOBODY || (isAway && nowMs - pending.sentMs >= REPEAT_MS)) {
        this.pass(pending);
      }
    }
  }

  private giveUp(pending: Pending, reason: string): void {
    if (!this.pending.delete(pending.number)) return;
    const text = pending.mayBeDone
      ? `UNKNOWNOUTCOME ${reason}; it may have been carried out`
      : `NOQUORUM ${reason}; nothing was done`;
    pending.done({ kind: 'error', text });
  }

  private nowMs(): number {
    return this.node.world.clock.monotonicMs();
  }
}

function readVerdict(answer: string): Verdict {
  const fields = JsonFields.parse(answer, 'an answer');
  const kind = fields.word('kind', ['value', 'error', 'not-leader', 'lost']);
  if (kind === 'error') return { kind, text: fields.text('text') };
  // A reply as another config server made it; whatever JSON can hold can be sent on.
  if (kind === 'value') return { kind, value: (fields.any('value') ?? null) as ReplyValue };
  return { kind: kind as 'not-leader' | 'lost' };
}
