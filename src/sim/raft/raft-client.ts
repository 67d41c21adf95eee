/**
 * RaftClient: somebody who reads and writes registers of a simulated Raft cluster, one request at a time, and remembers what happened.
 *
 * It asks whom it believes to lead, else anybody; where no answer comes in time it asks again under the same number, as one would who must not
 * have its request carried out twice. A request that it gives up has an outcome that nobody knows, and goes into the history as such.
 */
import type { Random } from '../../base';
import { NOBODY, type NodeId } from '../../raft';
import type { RegisterOperation } from '../linearizability';
import type { SimulatedMachine } from '../simulated-machine';
import type { SimulatedNetwork } from '../simulated-network';
import type { RaftChecks } from './raft-checks';
import type { RaftMember } from './raft-member';
import type { RaftSwarm } from './raft-swarm';
import { encodeRequest, type RegisterAnswer, type RegisterRequest } from './register-machine';

/** What a node answers. `leader`: it is not the one to ask. */
type Answer =
  | { readonly kind: 'changed'; readonly answer: RegisterAnswer }
  | { readonly kind: 'read'; readonly value: number | null }
  | { readonly kind: 'ask-other'; readonly leader: NodeId };

const PATIENCE_MS = 400;
const ATTEMPTS_MAX = 12;
const PAUSE_BETWEEN_ATTEMPTS_MS = 15;

export interface RaftClientNeeds {
  readonly swarm: RaftSwarm;
  readonly network: SimulatedNetwork;
  readonly checks: RaftChecks;
  readonly members: readonly RaftMember[];
  readonly random: Random;
}

export class RaftClient {
  /** By key. */
  readonly histories = new Map<number, RegisterOperation[]>();
  /** Requests that were answered. */
  answered = 0;
  /** What it waits for: the request, and since when. */
  private open: { readonly request: RegisterRequest; readonly isRead: boolean; readonly calledAt: number } | null =
    null;
  private number = 0;
  private believed: NodeId = NOBODY;
  /** The last that it knows to have been in each register. */
  private readonly seen = new Map<number, number>();

  constructor(
    private readonly id: number,
    private readonly machine: SimulatedMachine,
    private readonly needs: RaftClientNeeds,
  ) {}

  /** What was asked for and never answered is in the histories from now on, as such. */
  finish(): void {
    if (this.open !== null) this.remember(null);
  }

  start(): void {
    const { random, swarm } = this.needs;
    this.machine.time.after(-swarm.thinkMeanMs * Math.log(1 - random.fraction()), () => this.ask());
  }

  private ask(): void {
    const { random, swarm } = this.needs;
    const key = random.below(swarm.keys);
    const isRead = random.fraction() < swarm.readShare;
    const does = isRead ? 'read' : random.below(3) === 0 ? 'cas' : 'write';
    const number = ++this.number;
    const request: RegisterRequest = {
      does: does === 'cas' ? 'cas' : 'write',
      key,
      value: number * 100 + this.id,
      expected: this.seen.get(key) ?? 0,
      client: this.id,
      number,
    };
    this.open = { request, isRead, calledAt: this.machine.time.nowMs };
    this.attempt(request, isRead, 0);
  }

  private attempt(request: RegisterRequest, isRead: boolean, attempts: number): void {
    const { network } = this.needs;
    const { time } = this.machine;
    const member = this.choose();
    let isOver = false;
    const retry = (delayMs: number): void => {
      isOver = true;
      if (attempts + 1 >= ATTEMPTS_MAX) this.end(null);
      else time.after(delayMs, () => this.attempt(request, isRead, attempts + 1));
    };
    time.after(PATIENCE_MS, () => {
      if (isOver) return;
      this.believed = NOBODY;
      retry(0);
    });
    network.send(this.machine, member.machine, () => {
      this.serve(member, request, isRead, (answer) => {
        network.send(member.machine, this.machine, () => {
          if (isOver) return;
          this.believed = answer.kind === 'ask-other' ? answer.leader : member.id;
          if (answer.kind === 'ask-other') return retry(PAUSE_BETWEEN_ATTEMPTS_MS);
          isOver = true;
          this.end(answer);
        });
      });
    });
  }

  private choose(): RaftMember {
    const { members, random } = this.needs;
    const believed = members.find(({ id }) => id === this.believed);
    return believed !== undefined && random.below(10) > 0 ? believed : members[random.below(members.length)];
  }

  /** What a node does with a request: a turn of its process. */
  private serve(member: RaftMember, request: RegisterRequest, isRead: boolean, answer: (answer: Answer) => void): void {
    const { node, registers } = member;
    const { checks } = this.needs;
    if (node === null) return;
    if (isRead) {
      const acknowledgedBefore = checks.acknowledged;
      node.read((isCurrent) => {
        if (!isCurrent) return answer({ kind: 'ask-other', leader: node.leader });
        checks.readable(node, acknowledgedBefore);
        answer({ kind: 'read', value: registers.get(request.key) });
      });
      return;
    }
    node.propose(encodeRequest(request), (outcome) => {
      if (outcome.kind === 'applied') {
        checks.acknowledged = Math.max(checks.acknowledged, outcome.index);
        answer({ kind: 'changed', answer: outcome.result as RegisterAnswer });
      } else answer({ kind: 'ask-other', leader: outcome.kind === 'not-leader' ? outcome.leader : NOBODY });
    });
  }

  private end(answer: Answer | null): void {
    if (answer !== null) this.answered++;
    this.remember(answer);
    this.open = null;
    this.start();
  }

  /** An answer of null: nobody knows. */
  private remember(answer: Answer | null): void {
    const { request, isRead, calledAt } = this.open!;
    const { key, value, expected, does } = request;
    const returnedAt = answer === null ? Infinity : this.machine.time.nowMs;
    if (answer?.kind === 'read') {
      if (answer.value !== null) this.seen.set(key, answer.value);
      this.record(key, { does: 'read', value: answer.value, calledAt, returnedAt });
    } else if (!isRead) {
      const found = answer?.kind === 'changed' && answer.answer === 'done';
      if (found) this.seen.set(key, value);
      this.record(key, { does, value, expected: expected === 0 ? null : expected, found, calledAt, returnedAt });
    }
  }

  private record(key: number, operation: RegisterOperation): void {
    const history = this.histories.get(key);
    if (history === undefined) this.histories.set(key, [operation]);
    else history.push(operation);
  }
}
