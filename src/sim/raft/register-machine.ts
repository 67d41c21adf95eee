/**
 * RegisterMachine: what the simulated Raft cluster is the log of: a few registers that are written, compared and exchanged.
 *
 * Clients number what they ask for, and ask again under the same number when they do not know what became of it; the machine remembers
 * the last number of each client and what it answered, so each request has its effect once (dissertation §6.3). `digest` is
 * mixed from all commands in their order: two machines that agree on it have had the same history (R5).
 */
import { assert } from '../../base';
import type { Entry, StateMachine } from '../../raft';

/** A change that a client asks for. */
export interface RegisterRequest {
  readonly does: 'write' | 'cas';
  readonly key: number;
  readonly value: number;
  /** Of a cas: what must be there; 0 for nothing. */
  readonly expected: number;
  readonly client: number;
  /** 1, 2, 3 … of each client. */
  readonly number: number;
}

/** Whether a cas found what it expected; a write always does. 'superseded': the client has asked for something later already. */
export type RegisterAnswer = 'done' | 'other-value' | 'superseded';

const WORDS_PER_REQUEST = 6;
const ANSWERS: readonly RegisterAnswer[] = ['done', 'other-value'];

export class RegisterMachine implements StateMachine {
  digest = 0;
  /** The last entry that it carried out. */
  index = 0;
  private readonly values = new Map<number, number>();
  private readonly sessions = new Map<number, { number: number; answer: RegisterAnswer }>();

  /** @param onApplied hears of each command after it was carried out, @param onRestored of a state that came as a whole */
  constructor(
    private readonly onApplied: (entry: Entry, digest: number) => void,
    private readonly onRestored: (index: number, digest: number) => void,
  ) {}

  /** What is in a register; null for nothing. */
  get(key: number): number | null {
    return this.values.get(key) ?? null;
  }

  apply(entry: Entry): RegisterAnswer {
    for (const byte of entry.data) this.digest = Math.imul(this.digest ^ byte, 0x01000193);
    this.index = entry.index;
    const answer = this.carryOut(decodeRequest(entry.data));
    this.onApplied(entry, this.digest);
    return answer;
  }

  snapshot(): Uint8Array {
    const words = [this.digest, this.index, this.values.size, ...[...this.values].flat()];
    for (const [client, { number, answer }] of this.sessions) words.push(client, number, ANSWERS.indexOf(answer));
    return bytesOf(words);
  }

  restore(data: Uint8Array): void {
    const words = wordsOf(data);
    const valuesEnd = 3 + 2 * words[2];
    this.digest = words[0];
    this.index = words[1];
    this.values.clear();
    this.sessions.clear();
    for (let i = 3; i < valuesEnd; i += 2) this.values.set(words[i], words[i + 1]);
    for (let i = valuesEnd; i < words.length; i += 3) {
      this.sessions.set(words[i], { number: words[i + 1], answer: ANSWERS[words[i + 2]] });
    }
    this.onRestored(this.index, this.digest);
  }

  private carryOut({ does, key, value, expected, client, number }: RegisterRequest): RegisterAnswer {
    const session = this.sessions.get(client);
    if (session !== undefined && number < session.number) return 'superseded';
    if (session !== undefined && number === session.number) return session.answer;
    const isExpected = does === 'write' || (this.values.get(key) ?? 0) === expected;
    if (isExpected) this.values.set(key, value);
    const answer = isExpected ? 'done' : 'other-value';
    this.sessions.set(client, { number, answer });
    return answer;
  }
}

export function encodeRequest({ does, key, value, expected, client, number }: RegisterRequest): Uint8Array {
  return bytesOf([does === 'write' ? 0 : 1, key, value, expected, client, number]);
}

function decodeRequest(data: Uint8Array): RegisterRequest {
  const words = wordsOf(data);
  assert(words.length === WORDS_PER_REQUEST, 'a command is a request of a client');
  const [does, key, value, expected, client, number] = words;
  return { does: does === 0 ? 'write' : 'cas', key, value, expected, client, number };
}

function bytesOf(words: readonly number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(words).buffer);
}

function wordsOf(data: Uint8Array): Int32Array {
  return new Int32Array(data.slice().buffer);
}
