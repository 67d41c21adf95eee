/**
 * Backends: which connection serves a slot, now.
 *
 * Laid out anew with every view, so that the way of a command is one array read. Connections are kept across views:
 * what both views name stays as it is, with all that is in flight. What the new one does not name is retired, and may finish; but
 * the former master of a group that has another one now is closed at once, as its answers are worth nothing any more.
 */
import { isPlanted } from '../base';
import { SLOT_COUNT, type ClusterView, type Group, type SlotId, type SlotRouter } from '../slots';
import { Backend, type BackendHost } from './backend';
import { lapsedBeforeAnswer, NO_LEASE } from './error-replies';

export class Backends {
  private readonly bySlot2: (Backend | null)[] = Array.from<null>({ length: SLOT_COUNT }).fill(null);
  private readonly bySlot3: (Backend | null)[] = Array.from<null>({ length: SLOT_COUNT }).fill(null);
  /** By server and protocol; those that are being retired too, until they are closed. */
  private readonly byName = new Map<string, Backend>();
  private owners2: readonly Backend[] = [];
  private owners3: readonly Backend[] = [];

  constructor(private readonly host: BackendHost) {}

  /** The connection to the master of the slot's owner; null where nobody owns it. */
  of(slot: SlotId, protocol: 2 | 3): Backend | null {
    return protocol === 3 ? this.bySlot3[slot] : this.bySlot2[slot];
  }

  /** The connections to the masters of all groups that own slots. What others hold, nobody can read. */
  owners(protocol: 2 | 3): readonly Backend[] {
    return protocol === 3 ? this.owners3 : this.owners2;
  }

  get all(): Iterable<Backend> {
    return this.byName.values();
  }

  /** The first of the servers of `slots[0, count)` for which commands wait; null where they wait for none. */
  heldAmong(slots: Int16Array, count: number, protocol: 2 | 3): Backend | null {
    const bySlot = protocol === 3 ? this.bySlot3 : this.bySlot2;
    for (let i = 0; i < count; i++) {
      const backend = bySlot[slots[i]];
      if (backend?.isHeld === true) return backend;
    }
    return null;
  }

  /** The first of all servers for which commands wait; null where they wait for none. */
  heldOwner(protocol: 2 | 3): Backend | null {
    return this.owners(protocol).find((backend) => backend.isHeld) ?? null;
  }

  /** Serves the router's present view from now on. Connects at once to new masters, in the versions of RESP that clients use. */
  follow(router: SlotRouter): void {
    const unnamed = new Set(this.byName.values());
    const isUsed2 = isUsed(this.owners2);
    const isUsed3 = isUsed(this.owners3);
    this.owners2 = this.layOut(router, 2, this.bySlot2, unnamed);
    this.owners3 = this.layOut(router, 3, this.bySlot3, unnamed);
    for (const backend of unnamed) {
      if (isDeposed(backend, router.view) && !isPlanted('stale-epoch-reply-accepted')) backend.close();
      else backend.retire();
    }
    if (isUsed2) for (const backend of this.owners2) backend.open();
    if (isUsed3) for (const backend of this.owners3) backend.open();
  }

  /** Fills `slots`; returns whom it named. Clients wait for a view that ends a change of master: groups are looked up, not slots. */
  private layOut(router: SlotRouter, protocol: 2 | 3, slots: (Backend | null)[], unnamed: Set<Backend>): Backend[] {
    const byGroup = new Map<Group | null, Backend | null>([[null, null]]);
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      const group = router.groupOf(slot as SlotId);
      let backend = byGroup.get(group);
      if (backend === undefined) {
        backend = this.masterOf(group!, protocol, unnamed);
        byGroup.set(group, backend);
      }
      slots[slot] = backend;
    }
    return [...new Set(byGroup.values())].filter((backend) => backend !== null);
  }

  /** The connection to the group's master, made where there is none; null for a group without a master. */
  private masterOf(group: Group, protocol: 2 | 3, unnamed: Set<Backend>): Backend | null {
    if (group.master === null) return null;
    const name = nameOf(group.master.id, protocol);
    let backend = this.byName.get(name);
    if (backend === undefined) {
      backend = new Backend(this.host, group.master, group, protocol);
      this.byName.set(name, backend);
    } else if (unnamed.delete(backend)) {
      backend.follow(group);
    }
    return backend;
  }

  /** Whether nothing is in flight to a server that the view holds back or has given up. */
  get isSettled(): boolean {
    for (const backend of this.byName.values()) if (!backend.isSettled) return false;
    return true;
  }

  /** The lease has lapsed: no reply passes any more. */
  sever(): void {
    for (const backend of this.byName.values()) backend.sever(lapsedBeforeAnswer(backend.id), NO_LEASE);
  }

  /** Whether commands may be sent has changed. */
  weigh(mayServe: boolean): void {
    for (const backend of this.byName.values()) {
      if (mayServe) backend.resume();
      else backend.weigh();
    }
    if (!mayServe) return;
    for (const owners of [this.owners2, this.owners3]) {
      if (isUsed(owners)) for (const backend of owners) backend.open();
    }
  }

  /** Forgets a backend that has closed. */
  forget(backend: Backend): void {
    const name = nameOf(backend.id, backend.protocol);
    if (this.byName.get(name) === backend) this.byName.delete(name);
  }

  lookAfter(nowMs: number): void {
    for (const backend of this.byName.values()) backend.lookAfter(nowMs);
  }

  close(): void {
    for (const backend of this.byName.values()) backend.close();
  }
}

function nameOf(id: string, protocol: 2 | 3): string {
  return `${id}/${protocol}`;
}

function isUsed(backends: readonly Backend[]): boolean {
  return backends.some(({ commands, state }) => commands > 0 || state !== 'idle');
}

/** Whether the group of which a server was the master has passed it over since. */
function isDeposed({ group, id }: Backend, view: ClusterView): boolean {
  const now = view.group(group.id);
  return now !== null && now.epoch > group.epoch && now.master?.id !== id;
}
