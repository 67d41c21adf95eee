/**
 * Linearizability: is there an order of these operations, each taking effect at one moment between its call and its return, in which
 * a single register would have given these answers? (Herlihy, Wing, TOPLAS 1990.)
 *
 * The search is Wing and Gong's (J. Parallel Distrib. Comput. 1993) with Lowe's memory of configurations that were tried (Concurrency
 * and Computation 2017): calls and returns in a doubly linked list by time; a call that fits the register is lifted out, and the search goes on
 * from the front; where the next thing is the return of an operation that is not lifted out, the last lift is undone. An operation whose outcome
 * nobody knows returns after all others, with any answer. Its cost grows with what is concurrent, so histories are judged key by
 * key (linearizability is local: a history is linearizable if that of each key is), and few clients should use a key at once.
 */

/** What a client did to a register, and when. Moments are of one clock, and differ or are in the order of the list. */
export interface RegisterOperation {
  readonly does: 'read' | 'write' | 'cas';
  /** Written, by a write or by a cas that found what it expected; of a read, what it gave (null: nothing was there). */
  readonly value: number | null;
  /** Of a cas: what must be there. */
  readonly expected?: number | null;
  /** Of a cas: whether it found what it expected. */
  readonly found?: boolean;
  readonly calledAt: number;
  /** Infinity: nobody knows whether, and when, it took effect, nor what it answered. */
  readonly returnedAt: number;
}

/** A call, or a return, in the list of those that are not yet explained. */
interface Node {
  readonly operation: number;
  /** The return that belongs to this call; null for a return. */
  readonly match: Node | null;
  before: Node | null;
  after: Node | null;
}

/**
 * Whether the history of one register, which begins empty, is linearizable; null where that was not found out in so many steps of
 * the search, as operations whose outcome nobody knows are concurrent with all that comes after them.
 */
export function isLinearizable(history: readonly RegisterOperation[], stepsMax = Infinity): boolean | null {
  const head = listOf(history);
  const tried = new Set<string>();
  const done = new Uint32Array((history.length + 31) >> 5);
  const lifted: { readonly call: Node; readonly state: number | null }[] = [];
  let state: number | null = null;
  let node = head.after;
  for (let steps = 0; head.after !== null; steps++) {
    if (steps > stepsMax) return null;
    if (node!.match !== null) {
      const { operation } = node!;
      const next = stateAfter(state, history[operation]);
      if (next !== undefined) {
        done[operation >> 5] |= 1 << (operation & 31);
        const configuration = `${next}:${done.join()}`;
        if (!tried.has(configuration)) {
          tried.add(configuration);
          lifted.push({ call: node!, state });
          state = next;
          lift(node!);
          node = head.after;
          continue;
        }
        done[operation >> 5] &= ~(1 << (operation & 31));
      }
      node = node!.after;
    } else {
      // Only operations of unknown outcome are left: they may have had no effect at all.
      if (history[node!.operation].returnedAt === Infinity) return true;
      const last = lifted.pop();
      if (last === undefined) return false;
      state = last.state;
      const { operation } = last.call;
      done[operation >> 5] &= ~(1 << (operation & 31));
      putBack(last.call);
      node = last.call.after;
    }
  }
  return true;
}

/** What the register holds after the operation; undefined where it could not have answered so. */
function stateAfter(
  state: number | null,
  { does, value, expected, found, returnedAt }: RegisterOperation,
): number | null | undefined {
  if (does === 'write') return value;
  if (does === 'read') return state === value || returnedAt === Infinity ? state : undefined;
  const isExpected = state === expected;
  if (returnedAt !== Infinity && isExpected !== found) return undefined;
  return isExpected ? value : state;
}

/** The list, behind a head that stands for nothing. What is called at the moment at which another returns is concurrent with it. */
function listOf(history: readonly RegisterOperation[]): Node {
  const returns = history.map((_, operation): Node => ({ operation, match: null, before: null, after: null }));
  const calls = history.map((_, operation): Node => ({
    operation,
    match: returns[operation],
    before: null,
    after: null,
  }));
  const momentOf = ({ operation, match }: Node): number =>
    match === null ? history[operation].returnedAt : history[operation].calledAt;
  const rankOf = (node: Node): number => (node.match === null ? 1 : 0);
  const compare = (a: Node, b: Node): number => {
    const [atA, atB] = [momentOf(a), momentOf(b)];
    return atA === atB ? rankOf(a) - rankOf(b) : atA - atB;
  };
  const head: Node = { operation: -1, match: null, before: null, after: null };
  let last = head;
  for (const node of [...calls, ...returns].sort(compare)) {
    node.before = last;
    last.after = node;
    last = node;
  }
  return head;
}

function lift(call: Node): void {
  takeOut(call);
  takeOut(call.match!);
}

function putBack(call: Node): void {
  putIn(call.match!);
  putIn(call);
}

function takeOut(node: Node): void {
  node.before!.after = node.after;
  if (node.after !== null) node.after.before = node.before;
}

/** Where it was: it still knows its neighbours. */
function putIn(node: Node): void {
  node.before!.after = node;
  if (node.after !== null) node.after.before = node;
}
