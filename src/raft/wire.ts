/**
 * Wire: Raft's words as bytes, on the disk and between peers.
 *
 * A message is one byte of version, one of type, who speaks to whom in which term, and the fields of its type in the order of
 * types.ts. Words are numbers by their place in a list, and lists only grow at their end. A message of another version is refused,
 * not guessed at: peers agree on a version before they speak (the handshake), and the disk log has its own number for its form.
 *
 * `decode` ∘ `encode` is the identity, and every sequence of bytes that decodes is what encoding gives: there is one spelling
 * for each thing (tested by properties). Whether a message makes sense is for the core to judge; that it is one, for this file.
 */
import { WireReader, WireWriter } from './wire-bytes';
import type { Entry, EntryKind, HardState, Membership, Message, NodeId, Snapshot } from './types';

/** The first byte of every message. */
export const WIRE_VERSION = 1;

const ENTRY_KINDS: readonly EntryKind[] = ['empty', 'command', 'membership'];
const MESSAGE_TYPES: readonly Message['type'][] = [
  'pre-vote',
  'vote',
  'pre-vote-reply',
  'vote-reply',
  'append',
  'append-reply',
  'heartbeat',
  'heartbeat-reply',
  'snapshot',
  'snapshot-reply',
  'timeout-now',
];

/** Bytes of an entry beside its data: index, term, kind, length of the data. */
export const ENTRY_OVERHEAD_BYTES = 21;
const NODE_ID_BYTES = 4;

/** One message, without a frame: its length is for the carrier to tell. */
export function encodeMessage(message: Message): Uint8Array {
  const writer = new WireWriter();
  writer.byte(WIRE_VERSION);
  writer.byte(MESSAGE_TYPES.indexOf(message.type));
  writer.uint32(message.from);
  writer.uint32(message.to);
  writer.integer(message.term);
  switch (message.type) {
    case 'pre-vote':
    case 'vote':
      writer.integer(message.lastIndex);
      writer.integer(message.lastTerm);
      writer.flag(message.isTransfer);
      break;
    case 'pre-vote-reply':
    case 'vote-reply':
      writer.flag(message.isGranted);
      break;
    case 'append':
      writer.integer(message.previousIndex);
      writer.integer(message.previousTerm);
      writeEntries(writer, message.entries);
      writer.integer(message.commit);
      break;
    case 'append-reply':
      writer.integer(message.index);
      writer.flag(message.isRejected);
      writer.integer(message.hintIndex);
      writer.integer(message.hintTerm);
      break;
    case 'heartbeat':
      writer.integer(message.commit);
      writer.integer(message.round);
      break;
    case 'heartbeat-reply':
      writer.integer(message.round);
      break;
    case 'snapshot':
      writer.integer(message.index);
      writer.integer(message.indexTerm);
      writeMembership(writer, message.membership);
      writer.integer(message.totalBytes);
      writer.integer(message.offset);
      writer.data(message.data);
      break;
    case 'snapshot-reply':
      writer.integer(message.index);
      writer.integer(message.nextOffset);
      break;
    case 'timeout-now':
      break;
  }
  return writer.finish();
}

/** The message that these bytes are, all of them. Keeps none of them. @throws CacheError BAD_MESSAGE */
export function decodeMessage(bytes: Uint8Array): Message {
  const reader = new WireReader(bytes);
  const version = reader.byte();
  if (version !== WIRE_VERSION) reader.refuse(`version ${version} is not ${WIRE_VERSION}`);
  const type = reader.word(MESSAGE_TYPES);
  const message = readMessage(reader, type, readNode(reader), readNode(reader), reader.integer());
  reader.finish();
  return message;
}

function readMessage(reader: WireReader, type: Message['type'], from: NodeId, to: NodeId, term: number): Message {
  const integer = (): number => reader.integer();
  switch (type) {
    case 'pre-vote':
    case 'vote':
      return { type, from, to, term, lastIndex: integer(), lastTerm: integer(), isTransfer: reader.flag() };
    case 'pre-vote-reply':
    case 'vote-reply':
      return { type, from, to, term, isGranted: reader.flag() };
    case 'append': {
      const head = { type, from, to, term, previousIndex: integer(), previousTerm: integer() } as const;
      return { ...head, entries: readEntries(reader), commit: integer() };
    }
    case 'append-reply': {
      const head = { type, from, to, term, index: integer(), isRejected: reader.flag() } as const;
      return { ...head, hintIndex: integer(), hintTerm: integer() };
    }
    case 'heartbeat':
      return { type, from, to, term, commit: integer(), round: integer() };
    case 'heartbeat-reply':
      return { type, from, to, term, round: integer() };
    case 'snapshot': {
      const head = { type, from, to, term, index: integer(), indexTerm: integer() } as const;
      const membership = readMembership(reader);
      const chunk = { totalBytes: integer(), offset: integer(), data: reader.data() };
      if (chunk.offset + chunk.data.length > chunk.totalBytes) reader.refuse('a chunk is past the end of its snapshot');
      return { ...head, membership, ...chunk };
    }
    case 'snapshot-reply':
      return { type, from, to, term, index: integer(), nextOffset: integer() };
    case 'timeout-now':
      return { type, from, to, term };
  }
}

/** A snapshot, all of it. */
export function encodeSnapshot(snapshot: Snapshot): Uint8Array {
  const writer = new WireWriter();
  writeSnapshot(writer, snapshot);
  return writer.finish();
}

/** @throws CacheError BAD_MESSAGE */
export function decodeSnapshot(bytes: Uint8Array): Snapshot {
  const reader = new WireReader(bytes);
  const snapshot = readSnapshot(reader);
  reader.finish();
  return snapshot;
}

/** A membership, as the data of the entry that it begins with. */
export function encodeMembership(membership: Membership): Uint8Array {
  const writer = new WireWriter();
  writeMembership(writer, membership);
  return writer.finish();
}

/** @throws CacheError BAD_MESSAGE */
export function decodeMembership(bytes: Uint8Array): Membership {
  const reader = new WireReader(bytes);
  const membership = readMembership(reader);
  reader.finish();
  return membership;
}

export function writeEntries(writer: WireWriter, entries: readonly Entry[]): void {
  writer.uint32(entries.length);
  for (const { index, term, kind, data } of entries) {
    writer.integer(index);
    writer.integer(term);
    writer.byte(ENTRY_KINDS.indexOf(kind));
    writer.data(data);
  }
}

export function readEntries(reader: WireReader): Entry[] {
  const entries: Entry[] = [];
  for (let left = reader.count(ENTRY_OVERHEAD_BYTES); left > 0; left--) {
    const index = reader.integer();
    if (index === 0) reader.refuse('the first entry has the number 1');
    entries.push({ index, term: reader.integer(), kind: reader.word(ENTRY_KINDS), data: reader.data() });
  }
  return entries;
}

export function writeHardState(writer: WireWriter, { term, vote, commit }: HardState): void {
  writer.integer(term);
  writer.uint32(vote);
  writer.integer(commit);
}

export function readHardState(reader: WireReader): HardState {
  return { term: reader.integer(), vote: reader.uint32(), commit: reader.integer() };
}

export function writeSnapshot(writer: WireWriter, { index, term, membership, data }: Snapshot): void {
  writer.integer(index);
  writer.integer(term);
  writeMembership(writer, membership);
  writer.data(data);
}

export function readSnapshot(reader: WireReader): Snapshot {
  const index = reader.integer();
  const term = reader.integer();
  return { index, term, membership: readMembership(reader), data: reader.data() };
}

function writeMembership(writer: WireWriter, membership: Membership): void {
  const { voters, votersOutgoing, learners, learnersNext, autoLeave } = membership;
  for (const nodes of [voters, votersOutgoing, learners, learnersNext]) {
    writer.uint32(nodes.length);
    for (const node of nodes) writer.uint32(node);
  }
  writer.flag(autoLeave);
}

function readMembership(reader: WireReader): Membership {
  return {
    voters: readNodes(reader),
    votersOutgoing: readNodes(reader),
    learners: readNodes(reader),
    learnersNext: readNodes(reader),
    autoLeave: reader.flag(),
  };
}

function readNodes(reader: WireReader): NodeId[] {
  const nodes: NodeId[] = [];
  let last = 0;
  for (let left = reader.count(NODE_ID_BYTES); left > 0; left--) {
    const node = reader.uint32();
    if (node <= last) reader.refuse('nodes stand in ascending order');
    nodes.push(node);
    last = node;
  }
  return nodes;
}

function readNode(reader: WireReader): NodeId {
  const node = reader.uint32();
  if (node === 0) reader.refuse('no node has the number 0');
  return node;
}
