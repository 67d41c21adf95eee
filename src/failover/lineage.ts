/**
 * Lineage: the streams that a group has had, the oldest first.
 *
 * Offsets tell who is further within one stream only, and nothing in two streams tells which is the newer one. So the streams of a group's
 * masters are noted, as they come, in the state of the control plane, and where each began: what somebody has of the stream before
 * that place is part of the newer one, too, and what he has beyond it was left behind. Who stands in a stream that was never noted is
 * in none of those that were left. Streams begin with each promotion and restart of a master, and when its first replica comes;
 * their offsets go on.
 */
import type { Position } from './report';

export interface Era {
  readonly stream: string;
  /** The offset at which it began, or one beyond that. */
  readonly since: number;
}

/** Each stream once; the last is that of the present master, as far as anybody has noted it. */
export type Lineage = readonly Era[];

/** Whoever is further behind than so many changes is taken for a stranger. */
const ERAS_MAX = 16;

/** With a stream as the newest. */
export function withEra(lineage: Lineage, { stream, since }: Era): Lineage {
  const last = lineage.at(-1);
  if (stream === '' || last?.stream === stream) return lineage;
  const others = lineage.filter((era) => era.stream !== stream);
  return [...others, { stream, since: Math.max(since, last?.since ?? 0) }].slice(-ERAS_MAX);
}

/** Whether that stream is known. */
export function isNoted(lineage: Lineage, stream: string): boolean {
  return lineage.some((era) => era.stream === stream);
}

/** Whether the one stream is known to have been left before the other. */
export function isBefore(lineage: Lineage, one: string, other: string): boolean {
  const place = placeOf(lineage, one);
  return place >= 0 && place < placeOf(lineage, other);
}

/** Whether whoever stands at `one` is known to have nothing, of what was not left behind, that who stands at `other` lacks. */
export function isBehind(lineage: Lineage, one: Position, other: Position): boolean {
  if (one.stream === other.stream) return one.offset <= other.offset;
  if (!isBefore(lineage, one.stream, other.stream)) return false;
  const { since } = lineage[placeOf(lineage, one.stream) + 1];
  return Math.min(one.offset, since) <= other.offset;
}

function placeOf(lineage: Lineage, stream: string): number {
  return lineage.findIndex((era) => era.stream === stream);
}
