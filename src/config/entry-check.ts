/**
 * EntryCheck: what a server says of itself before it becomes a member of a group.
 *
 * Asked once, by the leader, on a connection of its own. What it is told to be by joining may cost it its data, and what it is may make
 * it unfit: a node of a Redis Cluster answers MOVED, one that loads has yet to show what it has. A server that is a replica of the group's
 * master already has nothing to lose.
 */
import type { World } from '../base';
import type { Engine } from '../slots';
import type { LinkReply, ServerDialer, ServerLink } from './control-host';

/** What was found. */
export type Finding =
  | { readonly isFit: true; readonly engine: Engine; readonly runId: string }
  /** UNSAFE can be forced. */
  | { readonly isFit: false; readonly code: 'REFUSED' | 'UNSAFE'; readonly message: string };

export interface Entrant {
  readonly host: string;
  readonly port: number;
  /** Of the group that it is to join as a replica; null for who is to be the master. */
  readonly master: { readonly host: string; readonly port: number } | null;
  /** Its data may be replaced. */
  readonly isForced: boolean;
}

const PATIENCE_MS = 2000;

/** Asks a server what it is; `done` is called once, in at most two seconds. */
export function checkEntry(
  world: Pick<World, 'timers'>,
  dial: ServerDialer,
  entrant: Entrant,
  done: (finding: Finding) => void,
): void {
  const { host, port } = entrant;
  let link: ServerLink | null = null;
  let isOver = false;
  const end = (finding: Finding): void => {
    if (isOver) return;
    isOver = true;
    cancel();
    link?.close();
    done(finding);
  };
  const refuse = (reason: string): void => end({ isFit: false, code: 'REFUSED', message: `${host}:${port} ${reason}` });
  const cancel = world.timers.after(PATIENCE_MS, () => refuse(`does not answer within ${PATIENCE_MS} ms`));
  link = dial(
    { host, port },
    {
      opened: () =>
        link?.command(['INFO'], (reply) => {
          if (reply instanceof Error) refuse(`does not say what it is: ${reply.message}`);
          else end(judge(fieldsOf(reply), entrant));
        }),
      closed: (_, reason) => refuse(`cannot be reached: ${reason}`),
    },
  );
}

function judge(info: ReadonlyMap<string, string>, entrant: Entrant): Finding {
  const id = `${entrant.host}:${entrant.port}`;
  const not = (code: 'REFUSED' | 'UNSAFE', reason: string): Finding => ({
    isFit: false,
    code,
    message: `${id} ${reason}`,
  });
  const runId = info.get('run_id') ?? '';
  if (runId === '') return not('REFUSED', 'has no run id: it is no server that can be a member');
  if (info.get('cluster_enabled') === '1') return not('REFUSED', 'is a node of a Redis Cluster');
  if (info.get('loading') === '1') return not('REFUSED', 'is loading its data; try again when it has');
  const { master, isForced } = entrant;
  const isFollowing =
    info.get('role') === 'slave' &&
    info.get('master_host') === master?.host &&
    info.get('master_port') === String(master?.port);
  const hasData = [...info.keys()].some((name) => /^db[0-9]+$/.test(name));
  if (master !== null && hasData && !isFollowing && !isForced) {
    return not('UNSAFE', 'has data, which would be replaced by those of the master; FORCE does it anyway');
  }
  return { isFit: true, engine: info.get('slotcache_managed') === '1' ? 'slotcache' : 'redis', runId };
}

function fieldsOf(reply: LinkReply): Map<string, string> {
  const lines = typeof reply === 'string' ? reply.matchAll(/^([a-z0-9_]+):(.*?)\r?$/gm) : [];
  return new Map(Array.from(lines, ([, name, value]) => [name, value]));
}
