/**
 * WaitingLine: the blocked commands that wait for one key, in the order in which they came.
 *
 * A list linked both ways, since a hundred thousand may stand in one line and leave it from anywhere: whoever is served
 * through another key, times out or hangs up steps out in O(1). A command has a `Place` in the line of each key it named.
 */
import type { Parked } from './blocking';

export class Place {
  previous: Place | null = null;
  next: Place | null = null;

  constructor(
    readonly parked: Parked,
    readonly line: WaitingLine,
  ) {}
}

export class WaitingLine {
  first: Place | null = null;
  last: Place | null = null;
  /** How many of them also wake when the key is gone. */
  wakingOnLoss = 0;
  /** It stands in the list of lines to be served. */
  isReady = false;
  readonly key: Buffer;

  constructor(
    readonly databaseIndex: number,
    /** The key, one character per byte. */
    readonly name: string,
  ) {
    this.key = Buffer.from(name, 'latin1');
  }

  /** Gives `parked` the last place. */
  append(parked: Parked): Place {
    const place = new Place(parked, this);
    place.previous = this.last;
    if (this.last === null) this.first = place;
    else this.last.next = place;
    this.last = place;
    if (parked.wakesOnLoss) this.wakingOnLoss++;
    return place;
  }

  /** Takes a place of this line out of it; its own `next` stays, for who is just walking along. */
  remove(place: Place): void {
    const { previous, next, parked } = place;
    if (previous === null) this.first = next;
    else previous.next = next;
    if (next === null) this.last = previous;
    else next.previous = previous;
    if (parked.wakesOnLoss) this.wakingOnLoss--;
  }
}
