/**
 * Payloads: what config servers say to each other, as the payloads of frames.
 *
 * Raft's messages have a form in bytes of their own (raft/wire.ts). The others are seldom and small, and JSON: what is read is
 * built anew field by field, so nothing that was not asked for gets in. A field that is missing or of another type is a BAD_MESSAGE,
 * and ends the connection; fields that are not known are passed over, so that a newer version may add some.
 */
import { asBuffer, CacheError } from '../../base';
import { decodeMessage, encodeMessage } from '../../raft';
import type { Opinions, PassedRequest, PeerMessage } from '../control-host';
import { JsonFields } from '../json-fields';
import type { FrameKind } from './frames';

const REASONS = ['silent', 'refused'] as const;

/** The kinds of frames that carry messages. */
export type MessageKind = PeerMessage['kind'] & FrameKind;

/** The payload of a frame whose kind is that of the message. */
export function encodePayload(message: PeerMessage): Uint8Array {
  switch (message.kind) {
    case 'raft':
      return encodeMessage(message.message);
    case 'opinions':
      return jsonOf(message.opinions);
    case 'request':
      return jsonOf({ number: message.number, ...message.request });
    case 'answer':
      return jsonOf({ number: message.number, answer: message.answer });
  }
}

/** Keeps none of the bytes. @throws CacheError BAD_MESSAGE */
export function decodePayload(kind: MessageKind, payload: Uint8Array): PeerMessage {
  if (kind === 'raft') return { kind, message: decodeMessage(payload) };
  const fields = JsonFields.parse(asBuffer(payload).toString(), kind);
  switch (kind) {
    case 'opinions':
      return { kind, opinions: readOpinions(fields) };
    case 'request':
      return { kind, number: fields.number('number'), request: readRequest(fields) };
    case 'answer':
      return { kind, number: fields.number('number'), answer: fields.text('answer') };
  }
}

function readOpinions(fields: JsonFields): Opinions {
  const isWithdrawn = fields.any('isWithdrawn');
  if (typeof isWithdrawn !== 'boolean') throw new CacheError('BAD_MESSAGE', 'opinions.isWithdrawn is not yes or no');
  const down = fields.items('down').map((item) => ({
    memberId: item.text('memberId'),
    forMs: item.number('forMs'),
    why: item.word('why', REASONS) as (typeof REASONS)[number],
  }));
  return { isWithdrawn, down };
}

function readRequest(fields: JsonFields): PassedRequest {
  return { words: fields.texts('words'), by: fields.text('by'), requestId: fields.text('requestId') };
}

function jsonOf(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}
