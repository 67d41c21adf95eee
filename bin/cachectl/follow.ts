/**
 * What is watched over time: events as they come, and the progress of a long change while its answer is awaited.
 *
 * Events are named by the version that they made: so those that came twice (a history that overlaps with what is pushed, another
 * server after a loss) are shown once, and none is left out as long as the history reaches back to the last one.
 */
import type { Reply } from '../../src/resp';
import { Caller, pause, type CallerOptions } from './caller';
import { plainOf, textOf, type Plain } from './present';

const POLL_MS = 250;
const HISTORY_MAX = 1000;

/** Shows the last `count` events, then each that comes, for ever. Rejects when no config server can be reached any more. */
export async function followEvents(
  options: CallerOptions,
  count: number,
  show: (event: Plain) => void,
): Promise<never> {
  let shown = -1;
  const take = (event: Reply): void => {
    const version = versionOf(event);
    if (!(version > shown)) return;
    shown = version;
    show(plainOf(event));
  };
  for (;;) {
    const held: Reply[] = [];
    let hear = (event: Reply): void => void held.push(event);
    let lose = (): void => undefined;
    const lost = new Promise<void>((resolve) => (lose = resolve));
    const subscriber = new Caller(options, { push: ({ values }) => hear(values[1]), closed: () => lose() });
    await subscriber.subscribe('EVENTS', 'SUBSCRIBE');
    const asker = new Caller(options);
    const history = await asker.call(['EVENTS', String(shown < 0 ? count : HISTORY_MAX)], 'repeatable');
    asker.close();
    for (const event of [...(history as Reply[])].reverse()) take(event);
    held.forEach(take);
    hear = take;
    await lost;
  }
}

/** Shows how far a long change has come, each time that changes, until the returned function is called. */
export function showProgress(
  options: CallerOptions,
  words: readonly string[],
  show: (line: string) => void,
): () => void {
  const caller = new Caller(options);
  const asked = words[0] === 'CONFIG' ? ['CONFIG', 'LIST'] : ['FAILOVER', 'LIST'];
  const subject = words[2];
  let isOver = false;
  let shown = '';
  const poll = async (): Promise<void> => {
    while (!isOver) {
      await pause(POLL_MS);
      const list = plainOf(await caller.call(asked, 'repeatable'));
      const own = Array.isArray(list) ? list.filter((each) => subjectOf(each as Plain) === subject) : [];
      const text = own.length === 0 ? '' : textOf(own as Plain);
      if (isOver || text === shown) continue;
      shown = text;
      if (text !== '') show(text);
    }
  };
  // Progress is a courtesy: that it cannot be had is no failure.
  poll().catch(() => undefined);
  return () => {
    isOver = true;
    caller.close();
  };
}

/** Whom an item of a list of changes under way, or of config servers, is about. */
function subjectOf(item: Plain): string {
  if (typeof item !== 'object' || item === null) return '';
  const { group, id } = item as { readonly [name: string]: Plain };
  return String(group ?? id ?? '');
}

function versionOf(event: Reply): number {
  return event instanceof Map ? Number(event.get('version')) : NaN;
}
