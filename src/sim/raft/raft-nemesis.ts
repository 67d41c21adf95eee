/**
 * RaftNemesis: does to a simulated Raft cluster what machines, networks and operators do.
 *
 * It strikes at random moments, and (where the swarm aims) at those that matter: somebody has just begun to lead, or waits for its disk.
 * Faults that strike where the state is delicate find 3 to 70 times as much as those that do not (reliability study, §3a, lesson 3).
 * Every fault ends by itself after a while; `end` ends all of them.
 */
import type { Random } from '../../base';
import { membersOf, votersOf, type MembershipStep } from '../../raft';
import { FAIR_WEATHER, type SimulatedNetwork } from '../simulated-network';
import type { RaftMember } from './raft-member';
import type { RaftFault, RaftSwarm } from './raft-swarm';

const PAUSE_MS_MAX = 30_000;
const HOUR_MS = 3_600_000;
const AIMED: readonly RaftFault[] = ['crash', 'power-loss', 'pause', 'freeze', 'isolate', 'one-way', 'transfer'];

export class RaftNemesis {
  /** How often each fault was done. */
  readonly strikes = new Map<RaftFault, number>();
  private isOver = false;

  constructor(
    private readonly swarm: RaftSwarm,
    private readonly network: SimulatedNetwork,
    private readonly members: readonly RaftMember[],
    private readonly random: Random,
  ) {}

  start(): void {
    this.network.time.after(this.drawMs(this.swarm.faultEveryMs), () => {
      if (this.isOver) return;
      const { faults } = this.swarm;
      this.strike(faults[this.random.below(faults.length)], this.anybody());
      this.start();
    });
  }

  /** Something delicate happens at a member. */
  moment(member: RaftMember, kind: 'leads' | 'syncs'): void {
    const { aimRate, faults } = this.swarm;
    const rate = kind === 'leads' ? aimRate : aimRate / 20;
    if (this.isOver || rate === 0 || this.random.fraction() >= rate) return;
    const possible = faults.filter((fault) => AIMED.includes(fault));
    if (possible.length === 0) return;
    const fault = possible[this.random.below(possible.length)];
    const { life } = member.machine;
    this.network.time.after(this.drawMs(kind === 'leads' ? 10 : member.disk.syncMeanMs / 2), () => {
      if (!this.isOver && life === member.machine.life) this.strike(fault, member);
    });
  }

  /** All is well from now on. */
  end(): void {
    this.isOver = true;
    this.network.healAll();
    this.network.weather = FAIR_WEATHER;
    for (const member of this.members) {
      member.disk.syncMeanMs = 0.5;
      if (!member.isUp) member.boot();
      else member.machine.resume();
    }
  }

  /** A process ended by itself: somebody starts it again. */
  restartLater(member: RaftMember): void {
    this.network.time.after(10 + this.drawMs(400), () => {
      if (!member.isUp) member.boot();
    });
  }

  private strike(fault: RaftFault, member: RaftMember): void {
    const { random, network } = this;
    this.strikes.set(fault, (this.strikes.get(fault) ?? 0) + 1);
    switch (fault) {
      case 'crash':
        return this.crash(member, 'process');
      case 'power-loss':
        return this.crash(member, 'power');
      case 'pause':
        return member.machine.pause(Math.min(PAUSE_MS_MAX, this.drawMs(random.below(4) === 0 ? 3000 : 250)));
      case 'freeze':
        member.machine.freezeNextTurnMs = this.drawMs(400);
        return;
      case 'isolate':
        return this.cutBetween([member], this.othersThan(member), 'both');
      case 'one-way':
        return this.cutBetween([member], this.othersThan(member), random.below(2) === 0 ? 'out' : 'in');
      case 'split':
        return this.split();
      case 'ring':
        return this.ring();
      case 'flap':
        return this.flap(member, this.anybody(), 8);
      case 'clog':
        return network.clog(member.machine.index, this.anybody().machine.index, this.drawMs(500));
      case 'slow-disk':
        return this.slowDisk(member);
      case 'bad-disk':
        return member.disk.failNextSync();
      case 'wall-jump':
        return member.machine.jumpWall((random.fraction() * 2 - 1) * HOUR_MS);
      case 'transfer':
        return this.transfer();
      case 'membership':
        return this.changeMembership();
      case 'replacement':
        return this.replaceVoters();
    }
  }

  private crash(member: RaftMember, kill: 'process' | 'power'): void {
    if (!member.isUp) return;
    member.crash(kill);
    // Connections of a dead process are ended by its machine, and others may find out that nobody listens there.
    if (kill === 'process' && !this.swarm.readsByLease) {
      for (const other of this.othersThan(member)) {
        if (!other.isUp || this.network.isCut(member.machine.index, other.machine.index)) continue;
        this.network.send(member.machine, other.machine, () => other.noticeGone(member.id));
      }
    }
    this.restartLater(member);
  }

  private cutBetween(some: readonly RaftMember[], others: readonly RaftMember[], way: 'both' | 'in' | 'out'): void {
    const links: [number, number][] = [];
    for (const one of some) {
      for (const other of others) {
        if (way !== 'in') links.push([one.machine.index, other.machine.index]);
        if (way !== 'out') links.push([other.machine.index, one.machine.index]);
      }
    }
    this.cutFor(links, this.drawMs(this.random.below(3) === 0 ? 2000 : 400));
  }

  private cutFor(links: readonly (readonly [number, number])[], durationMs: number): void {
    for (const [from, to] of links) this.network.cut(from, to);
    this.network.time.after(durationMs, () => {
      for (const [from, to] of links) this.network.mend(from, to);
    });
  }

  private split(): void {
    const left = this.members.filter(() => this.random.below(2) === 0);
    this.cutBetween(
      left,
      this.members.filter((member) => !left.includes(member)),
      'both',
    );
  }

  /** Everybody sees a majority, nobody the same one. */
  private ring(): void {
    const { members } = this;
    const reach = members.length >> 2;
    const links: [number, number][] = [];
    members.forEach((one, i) => {
      members.forEach((other, j) => {
        const distance = Math.min((i - j + members.length) % members.length, (j - i + members.length) % members.length);
        if (distance > Math.max(1, reach)) links.push([one.machine.index, other.machine.index]);
      });
    });
    this.cutFor(links, this.drawMs(1500));
  }

  private flap(one: RaftMember, other: RaftMember, times: number): void {
    if (times === 0 || this.isOver || one === other) return;
    this.cutFor([[one.machine.index, other.machine.index]], 20 + this.drawMs(60));
    this.network.time.after(100 + this.drawMs(100), () => this.flap(one, other, times - 1));
  }

  private slowDisk(member: RaftMember): void {
    member.disk.syncMeanMs = this.drawMs(150);
    this.network.time.after(
      this.drawMs(2000),
      () => (member.disk.syncMeanMs = this.isOver ? 0.5 : this.swarm.syncMeanMs),
    );
  }

  private leader(): RaftMember | undefined {
    return this.members.find(({ node, machine }) => node?.isLeader === true && machine.isWell);
  }

  private transfer(): void {
    const leader = this.leader();
    const target = this.anybody();
    if (leader !== undefined && leader !== target) leader.machine.run(() => leader.node?.transferTo(target.id));
  }

  /** One to three members come, go, or get or lose their vote; in some cases two changes are asked for at once. */
  private changeMembership(): void {
    const leader = this.leader();
    if (leader === undefined) return;
    const { node } = leader;
    leader.machine.run(() => {
      for (let changes = 1 + this.random.below(2); changes > 0; changes--)
        node!.changeMembership(this.drawSteps(leader), () => {});
    });
  }

  /** Most of the voters are replaced at once; and those who come are cut off from those who go, where chance has it. */
  private replaceVoters(): void {
    const leader = this.leader();
    if (leader === undefined) return;
    const { voters } = leader.node!.membership;
    const coming = this.members.filter(({ id }) => !voters.includes(id));
    const going = this.members.filter(({ id }) => voters.includes(id) && id !== leader.id).slice(0, coming.length);
    const steps = [
      ...coming.map(({ id }): MembershipStep => ({ does: 'add-voter', node: id })),
      ...going.map(({ id }): MembershipStep => ({ does: 'remove', node: id })),
    ];
    leader.machine.run(() => leader.node!.changeMembership(steps, () => {}));
    if (this.random.below(2) === 0) return;
    this.network.time.after(this.drawMs(30), () => {
      const side = this.random.below(2) === 0 ? coming : [...coming, leader];
      const others = this.members.filter((member) => !side.includes(member));
      if (!this.isOver) this.cutBetween(side, others, 'both');
    });
  }

  private drawSteps(leader: RaftMember): MembershipStep[] {
    const { membership } = leader.node!;
    const voters = votersOf(membership).length;
    const members = membersOf(membership);
    const steps: MembershipStep[] = [];
    for (let count = 1 + this.random.below(3); count > 0; count--) {
      const { id } = this.anybody();
      const isMember = members.includes(id);
      if (isMember && voters <= 3 && this.random.below(2) === 0) continue;
      const does = isMember ? (['remove', 'add-learner', 'add-voter'] as const)[this.random.below(3)] : 'add-voter';
      if (!steps.some(({ node }) => node === id)) steps.push({ does, node: id });
    }
    return steps;
  }

  private anybody(): RaftMember {
    return this.members[this.random.below(this.members.length)];
  }

  private othersThan(member: RaftMember): RaftMember[] {
    return this.members.filter((other) => other !== member);
  }

  /** Exponential. */
  private drawMs(meanMs: number): number {
    return -meanMs * Math.log(1 - this.random.fraction());
  }
}
