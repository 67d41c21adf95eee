/**
 * Soundness: whether a message makes sense by itself.
 *
 * A peer may be of another version, broken or hostile. What cannot be true under any history is dropped here, before it is believed:
 * numbers that are none, entries with gaps or with terms that fall, chunks beyond the end of their snapshot. What contradicts this
 * node's own history is for the rest of the core to notice.
 */
import type { AppendRequest, Message, SnapshotChunk } from './types';
import { decodeMembership } from './wire';

/** Far beyond any history, and far from where numbers lose their last digit. */
const NUMBER_MAX = 2 ** 50;

/** Whether this can be a message of a correct node. */
export function isSound(message: Message): boolean {
  if (!isCount(message.term) || message.term === 0) return false;
  switch (message.type) {
    case 'pre-vote':
    case 'vote':
      return isCount(message.lastIndex) && isCount(message.lastTerm) && message.lastTerm <= message.term;
    case 'pre-vote-reply':
    case 'vote-reply':
      return typeof message.isGranted === 'boolean';
    case 'append':
      return isSoundAppend(message);
    case 'append-reply':
      return isCount(message.index) && isCount(message.hintIndex) && isCount(message.hintTerm);
    case 'heartbeat':
      return isCount(message.commit) && isCount(message.round);
    case 'heartbeat-reply':
      return isCount(message.round);
    case 'snapshot':
      return isSoundChunk(message);
    case 'snapshot-reply':
      return isCount(message.index) && isCount(message.nextOffset);
    case 'timeout-now':
      return true;
    default:
      return false;
  }
}

function isSoundAppend({ term, previousIndex, previousTerm, entries, commit }: AppendRequest): boolean {
  if (!isCount(previousIndex) || !isCount(previousTerm) || !isCount(commit)) return false;
  let lastTerm = previousTerm;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i];
    if (entry.index !== previousIndex + 1 + i || !isCount(entry.term) || entry.term < lastTerm) return false;
    if (entry.kind === 'membership' && !isMembership(entry.data)) return false;
    lastTerm = entry.term;
  }
  return lastTerm <= term;
}

function isSoundChunk({ term, index, indexTerm, membership, totalBytes, offset, data }: SnapshotChunk): boolean {
  if (!isCount(index) || index === 0 || !isCount(indexTerm) || indexTerm > term) return false;
  return isCount(totalBytes) && isCount(offset) && offset + data.length <= totalBytes && membership.voters.length > 0;
}

/** Whether these bytes are a membership that can decide something, so that applying them cannot fail. */
function isMembership(data: Uint8Array): boolean {
  try {
    return decodeMembership(data).voters.length > 0;
  } catch {
    return false;
  }
}

function isCount(number: number): boolean {
  return Number.isInteger(number) && number >= 0 && number <= NUMBER_MAX;
}
