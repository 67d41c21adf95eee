/**
 * Backends: which connection serves a slot, now.
 *
 * Laid out anew with every view, so that the way of a command is one array read. Connections are kept across views:
 * what both views name stays as it is, with all that is in flight; what the new one does not name is retired.
 */
import { SLOT_COUNT, type SlotId, type SlotRouter } from '../slots';
import { Backend, type BackendHost } from './backend';

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

  /** Serves the router's present view from now on. */
  follow(router: SlotRouter): void {
    const dropped = new Set(this.byName.values());
    this.layOut(router, 2, this.bySlot2, dropped);
    this.layOut(router, 3, this.bySlot3, dropped);
    this.owners2 = distinct(this.bySlot2);
    this.owners3 = distinct(this.bySlot3);
    for (const backend of dropped) backend.retire();
  }

  private layOut(router: SlotRouter, protocol: 2 | 3, slots: (Backend | null)[], dropped: Set<Backend>): void {
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      const master = router.masterOf(slot as SlotId);
      if (master === null) {
        slots[slot] = null;
        continue;
      }
      const name = nameOf(master.id, protocol);
      let backend = this.byName.get(name);
      if (backend === undefined) {
        backend = new Backend(this.host, master, protocol);
        this.byName.set(name, backend);
      } else if (dropped.delete(backend)) {
        backend.reinstate();
      }
      slots[slot] = backend;
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

function distinct(slots: readonly (Backend | null)[]): Backend[] {
  return [...new Set(slots)].filter((backend) => backend !== null);
}
