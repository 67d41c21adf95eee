/**
 * Lineage: the streams that a group has had, the oldest first.
 *
 * Offsets tell who is further within one stream only, and nothing in two streams tells which is the newer one. So the streams of a group's
 * masters are noted, as they come, in the state of the control plane: who stands in one that was left is behind, and who stands in
 * one that was never noted is not. Streams begin with each promotion and restart of a master, and when its first replica comes.
 */

/** Each stream once; the last is that of the present master, as far as anybody has noted it. */
export type Lineage = readonly string[];

/** Whoever is further behind than so many changes is taken for a stranger. */
const STREAMS_MAX = 16;

/** With a stream as the newest. */
export function withStream(lineage: Lineage, stream: string): Lineage {
  if (stream === '' || lineage.at(-1) === stream) return lineage;
  return [...lineage.filter((one) => one !== stream), stream].slice(-STREAMS_MAX);
}

/** Whether both are known, and the one was left before the other. */
export function isBefore(lineage: Lineage, one: string, other: string): boolean {
  const place = lineage.indexOf(one);
  return place >= 0 && place < lineage.indexOf(other);
}
