/**
 * SlotRouter: the current view, in the form that a request needs it.
 *
 * A request asks "who is the master of this slot?" some million times a second, and views change a few times a day.
 * So the answer to every slot is laid out once per view; asking is one array read and allocates nothing.
 *
 * A view arrives by push, perhaps twice, perhaps late over an old connection: only a newer one is accepted, so the
 * version that a router routes by never goes back.
 */
import { SLOT_COUNT, type SlotId } from './slot-of';
import type { Group, Member } from './groups';
import { ClusterView } from './view';

export class SlotRouter {
  private current = ClusterView.empty;
  private readonly groups: (Group | null)[] = Array.from<null>({ length: SLOT_COUNT }).fill(null);
  private readonly masters: (Member | null)[] = Array.from<null>({ length: SLOT_COUNT }).fill(null);

  constructor(view: ClusterView = ClusterView.empty) {
    this.accept(view);
  }

  get view(): ClusterView {
    return this.current;
  }

  /** Routes by `view` from now on; false, and nothing done, where it is not newer than the current one. */
  accept(view: ClusterView): boolean {
    if (view.version <= this.current.version) return false;
    this.current = view;
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      const group = view.ownerOf(slot as SlotId);
      this.groups[slot] = group;
      this.masters[slot] = group === null ? null : group.master;
    }
    return true;
  }

  /** The group that owns the slot; null where nobody does. */
  groupOf(slot: SlotId): Group | null {
    return this.groups[slot];
  }

  /** The master of the slot's owner; null exactly where the slot has no owner. */
  masterOf(slot: SlotId): Member | null {
    return this.masters[slot];
  }

  /**
   * Where to read the slot from in a zone: the master if it stands there, else a replica that does, else the master.
   * Replicas share the slots among them, but one slot is always read from the same one, so that who reads a key twice
   * does not see it go back in time.
   */
  readFrom(slot: SlotId, zone: string): Member | null {
    const group = this.groups[slot];
    if (group === null) return null;
    const { master, members } = group;
    if (master === null || master.zone === zone) return master;
    let nearCount = 0;
    for (let i = 0; i < members.length; i++) if (members[i].zone === zone) nearCount++;
    if (nearCount === 0) return master;
    let toSkip = slot % nearCount;
    for (let i = 0; ; i++) if (members[i].zone === zone && toSkip-- === 0) return members[i];
  }
}
