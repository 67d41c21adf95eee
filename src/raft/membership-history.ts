/**
 * MembershipHistory: the membership after each entry that changed it, from the one in force at the last snapshot on.
 *
 * The last is in force. Those before are needed by a snapshot of an earlier entry, which must say what was in force there.
 */
import type { Entry, Membership } from './types';
import { decodeMembership } from './wire';

export class MembershipHistory {
  /** In ascending order of indexes; never empty. */
  private changes: { readonly index: number; readonly membership: Membership }[];

  constructor(index: number, membership: Membership) {
    this.changes = [{ index, membership }];
  }

  get current(): Membership {
    return this.changes[this.changes.length - 1].membership;
  }

  /** What was in force after that entry, which is not older than the last snapshot. */
  after(index: number): Membership {
    return this.changes[this.placeOf(index)].membership;
  }

  /**
   * An entry of kind 'membership' is applied. It has all of the membership, so that who joins need not know where it began. False where
   * a snapshot that came since knows better.
   */
  apply({ index, data }: Entry): boolean {
    if (index <= this.changes[this.changes.length - 1].index) return false;
    this.changes.push({ index, membership: decodeMembership(data) });
    return true;
  }

  /** A snapshot has come with another past. */
  restart(index: number, membership: Membership): void {
    this.changes = [{ index, membership }];
  }

  /** Nobody will ask for what was before that entry. */
  forgetBefore(index: number): void {
    this.changes.splice(0, this.placeOf(index));
  }

  private placeOf(index: number): number {
    let place = this.changes.length - 1;
    while (place > 0 && this.changes[place].index > index) place--;
    return place;
  }
}
