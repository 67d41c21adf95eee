/**
 * Reconciler: makes the data nodes what the state says that they are, on the leader.
 *
 * Our own nodes are told their duty with every renewal and need no orders; of them only the runs are noted. Stock servers are told by
 * commands, again and again until INFO shows that they obey: a member that follows nobody or somebody else gets REPLICAOF, CONFIG
 * REWRITE (so that it comes back as a replica when it is restarted), and its clients are cut off, so that whoever wrote to a
 * former master around the proxies notices. Before each order a majority confirms that this node leads and that its state is
 * the newest: a leader that was replaced and does not know it must not attach the new master to the old one.
 *
 * The runs of processes are part of the state: who comes back as another process is nobody until it is accepted. Replicas are
 * accepted at once, masters where they lack nothing (restarted-master.ts).
 *
 * So are the streams of the masters (failover/lineage.ts), which are noted as soon as they are seen.
 *
 * A stock master that comes back with less than its replicas have would make them throw their data away as soon as they synchronize.
 * So they are pointed at themselves the moment this is seen, which ends that without losing their place in the stream, and the
 * failover finds them whole. Guaranteed it is not: a replica that reconnects before a config server has noticed is filled anew.
 * Stock replicas wait 5 s for company before they are (`repl-diskless-sync-delay`), and config servers look ten times per second.
 */
import { isPlanted } from '../base';
import type { MemberReport } from '../failover';
import type { Group, Member } from '../slots';
import type { ControlHost, ControlPart } from './control-host';
import type { Monitor } from './monitor';
import { STREAM_CHARS_MAX } from './records';
import { haveSpokenSince, isReplaced, isRestarted } from './restarted-master';

/** Between orders to one member, and between looks at all of them. */
const ORDER_AGAIN_MS = 1000;
const LOOK_MS = 500;

export class Reconciler implements ControlPart {
  /** When each member was last ordered or proposed about, monotonic ms. */
  private readonly orderedMs = new Map<string, number>();
  /** Groups about whose streams something was proposed that is not decided. */
  private readonly noting = new Set<number>();
  /** Epoch and state of each group, as last seen. */
  private readonly seen = new Map<number, string>();
  private cancelLook: (() => void) | null = null;

  constructor(
    private readonly host: ControlHost,
    private readonly monitor: Monitor,
  ) {
    monitor.listeners.push((memberId) => this.news(memberId));
  }

  start(): void {
    this.leadershipChanged();
  }

  stop(): void {
    this.cancelLook?.();
    this.cancelLook = null;
    this.orderedMs.clear();
    this.noting.clear();
  }

  leadershipChanged(): void {
    this.stop();
    this.seen.clear();
    if (this.host.isLeader) this.cancelLook = this.host.world.timers.every(LOOK_MS, () => this.lookAtAll());
  }

  /** A change of who is what: nobody needs to wait for the next look. */
  stateChanged(): void {
    if (!this.host.isLeader) return;
    for (const { id, epoch, state } of this.host.state.view.groups) {
      const change = `${epoch} ${state}`;
      if (this.seen.get(id) === change) continue;
      this.seen.set(id, change);
      this.host.world.timers.after(0, () => this.lookAtGroup(id, true));
    }
  }

  /** A new INFO of that member has come. */
  private news(memberId: string): void {
    if (!this.host.isLeader) return;
    const place = this.placeOf(memberId);
    if (place !== null) this.look(place.group, place.member);
  }

  private lookAtAll(): void {
    for (const { id } of this.host.state.view.groups) this.lookAtGroup(id, false);
  }

  private lookAtGroup(id: number, isChanged: boolean): void {
    const group = this.host.state.view.group(id);
    if (group === null || !this.host.isLeader) return;
    for (const member of group.members) {
      if (isChanged) this.orderedMs.delete(member.id);
      this.look(group, member);
    }
  }

  private look(group: Group, member: Member): void {
    const { report, isReachable } = this.monitor.sight(member.id);
    if (report === null || !isReachable) return;
    if (group.master?.id === member.id) this.noteStream(group, report);
    if (!this.isDue(member.id)) return;
    if (this.identify(group, member, report)) return;
    if (group.engine === 'redis' && this.ordersFor(group, member, report) !== null) {
      this.orderedMs.set(member.id, this.nowMs);
      this.host.confirm((isConfirmed) => {
        if (isConfirmed) this.order(member.id);
      });
    }
  }

  /** Notes a new run of a process, where it is accepted. Returns whether it is being noted. */
  private identify(group: Group, { id }: Member, report: MemberReport): boolean {
    const known = this.host.state.members.get(id)?.runId;
    if (known === undefined || known === report.runId || report.runId === '' || report.isLoading) return false;
    if (id === group.master?.id) {
      if (group.state !== 'serving' || isReplaced(this.host.state, this.monitor, group)) return false;
      if (!haveSpokenSince(this.monitor, group)) return false;
    }
    this.orderedMs.set(id, this.nowMs);
    this.host.propose(
      { does: 'identify-member', group: group.id, memberId: id, runId: report.runId },
      'reconciler',
      () => {},
    );
    return true;
  }

  /** Notes which stream the master writes, when it is another one than before. */
  private noteStream({ id: group, epoch, state, master }: Group, report: MemberReport): void {
    const { stream, offset, formerOffset, role, runId, isLoading, isPending } = report;
    const { members, lineages } = this.host.state;
    if (state !== 'serving' || role !== 'master' || isLoading || isPending) return;
    if (stream === '' || stream.length > STREAM_CHARS_MAX) return;
    if (members.get(master!.id)?.runId !== runId || lineages.get(group)?.at(-1)?.stream === stream) return;
    if (this.noting.has(group)) return;
    this.noting.add(group);
    const era = { stream, since: formerOffset >= 0 ? formerOffset : Math.max(0, offset) };
    this.host.propose({ does: 'note-stream', group, epoch, era }, 'reconciler', () => this.noting.delete(group));
  }

  /** The state is the newest, and may have changed since the orders were thought of: they are made again from it. */
  private order(memberId: string): void {
    const place = this.placeOf(memberId);
    const { report } = this.monitor.sight(memberId);
    if (place === null || report === null) return;
    const orders = this.ordersFor(place.group, place.member, report);
    if (orders === null) return;
    this.host.world.log('notice', `${memberId}: ${orders[0].join(' ')}`);
    for (const words of orders) {
      this.monitor.command(memberId, words, (reply) => {
        if (words[0] !== 'REPLICAOF') return;
        if (reply instanceof Error) this.host.world.log('warning', `${memberId}: ${reply.message}`);
        this.monitor.ask(memberId);
      });
    }
  }

  /** What a stock member is to be told; null where it is what it should be, or where nobody can say yet. */
  private ordersFor(group: Group, member: Member, report: MemberReport): readonly (readonly string[])[] | null {
    const { master } = group;
    if (group.engine !== 'redis' || master === null) return null;
    if (isReplaced(this.host.state, this.monitor, group)) return this.detach(group, member, report);
    if (group.state !== 'serving') return null;
    if (member.id === master.id) {
      return report.role === 'replica' && !isRestarted(this.host.state, this.monitor, group)
        ? [['REPLICAOF', 'NO', 'ONE']]
        : null;
    }
    const isAttached =
      report.role === 'replica' && report.masterHost === master.host && report.masterPort === master.port;
    if (isAttached || isPlanted('demoted-master-not-repointed')) return null;
    if (isRestarted(this.host.state, this.monitor, group)) return null;
    const attach = [
      ['REPLICAOF', master.host, String(master.port)],
      ['CONFIG', 'REWRITE'],
    ];
    if (report.role === 'replica') return attach;
    // Held clients of a planned switch, and those that wrote around the proxies, are sent away.
    return [...attach, ['CLIENT', 'KILL', 'TYPE', 'normal'], ['CLIENT', 'UNPAUSE']];
  }

  /** Keeps a replica from being filled by a master that came back with less; as long as it still follows that one. */
  private detach({ id, master }: Group, member: Member, report: MemberReport): readonly (readonly string[])[] | null {
    if (member.id === master!.id || report.role !== 'replica' || this.host.state.isPaused(id)) return null;
    if (report.masterHost !== master!.host || report.masterPort !== master!.port) return null;
    return [['REPLICAOF', member.host, String(member.port)]];
  }

  private isDue(memberId: string): boolean {
    return this.nowMs - (this.orderedMs.get(memberId) ?? -Infinity) >= ORDER_AGAIN_MS;
  }

  private placeOf(memberId: string): { readonly group: Group; readonly member: Member } | null {
    for (const group of this.host.state.view.groups) {
      const member = group.members.find(({ id }) => id === memberId);
      if (member !== undefined) return { group, member };
    }
    return null;
  }

  private get nowMs(): number {
    return this.host.world.clock.monotonicMs();
  }
}
