/**
 * CommandCall: one command on its way through its handler, as far as it is the same on every node.
 *
 * A node has one call for all its commands; `take` points it at the next. Arguments are borrowed views into the bytes that
 * arrived, numbered from the command's name (0), good until the handler returns. Helpers that can fail write the
 * error reply themselves and return a value that says so (NaN, null): the handler returns, nothing is thrown.
 *
 * Handlers of what the data node and the proxy answer alike (common-*.ts, introspection.ts) know no more of a node and
 * its clients than CallNode and CallSession say; a node's own handlers see the subclass.
 */
import { Bytes, parseInt64, parseInteger, type Clock } from '../base';
import type { ReplyWriter } from '../resp';
import { NOT_AN_INTEGER, OUT_OF_INT32, SYNTAX_ERROR, wrongArity } from './errors';
import type { CommandArguments } from './keys';
import { replyName } from './replies';
import type { CommandSpec } from './table';

/** A client, for the handlers that all nodes have in common. */
export interface CallSession {
  readonly id: number;
  readonly reply: ReplyWriter;
  readonly connection: { readonly remoteAddress: string; readonly localAddress: string };
  /** Monotonic ms. */
  readonly createdMs: number;
  readonly authenticated: boolean;
  /** Whether it is a replica of the node; absent where a node can have none. */
  readonly isReplica?: boolean;
  name: string;
  libraryName: string;
  libraryVersion: string;
  /** Set when nothing more is to be read; the connection is closed after the reply. */
  closing: boolean;
  setAuthenticated(authenticated: boolean): void;
  /** RESET: back to what a new connection is. */
  reset(): void;
  /** Closes at once, without sending what waits. */
  kill(): void;
  /** The line of CLIENT LIST. */
  describe(): string;
}

/** A node, for the handlers that all nodes have in common. */
export interface CallNode {
  readonly world: { readonly clock: Clock };
  /** Whether the node is a replica of another; absent where it cannot be. */
  readonly isReplica?: boolean;
  readonly sessions: ReadonlyMap<number, CallSession>;
  readonly statistics: { deniedAuthentications: number };
  readonly settings: {
    readonly values: { readonly requirepass: string; readonly 'redis-version': string };
    match(patterns: readonly string[]): [name: string, text: string][];
  };
}

/** A handler that every node can use. */
export type CommonHandler = (call: CommandCall) => void;

/** Arguments for which views are kept; commands with more make some as they go. */
const VIEWS_KEPT = 64;

export abstract class CommandCall {
  abstract readonly node: CallNode;
  abstract session: CallSession;
  spec!: CommandSpec;
  reply!: ReplyWriter;
  args!: CommandArguments;
  /** Number of arguments, the words of the command's name included. */
  argc = 0;

  private readonly views: Bytes[] = Array.from({ length: VIEWS_KEPT }, () => new Bytes());

  protected take(spec: CommandSpec, args: CommandArguments, reply: ReplyWriter): void {
    // Most of this is as it was for the last command; a compare is cheaper than the collector's note of a write.
    if (this.spec !== spec) this.spec = spec;
    if (this.reply !== reply) this.reply = reply;
    this.args = args;
    this.argc = args.argc;
  }

  /** Whether this node carries out a command at all: what COMMAND and HELP show. */
  offers(_spec: CommandSpec): boolean {
    return true;
  }

  /** Argument i; 0 is the command's name. */
  arg(i: number): Bytes {
    const { args } = this;
    const view = i < VIEWS_KEPT ? this.views[i] : new Bytes();
    return view.set(args.buffer, args.starts[i], args.ends[i]);
  }

  /** Whether argument i is this word (ASCII, in lower case), in any case. */
  is(i: number, word: string): boolean {
    return this.arg(i).is(word);
  }

  /** Argument i as text (UTF-8); allocates. */
  text(i: number): string {
    return this.arg(i).toString();
  }

  /** The arguments from `first` on as texts. */
  textsFrom(first: number): string[] {
    const texts: string[] = [];
    for (let i = first; i < this.argc; i++) texts.push(this.text(i));
    return texts;
  }

  /** Argument i as an integer within ±(2^53 − 1); NaN after the error reply. */
  integer(i: number, error = NOT_AN_INTEGER): number {
    const value = parseInteger(this.arg(i));
    if (Number.isNaN(value)) this.reply.error(error);
    return value;
  }

  /** Argument i as an integer of 32 bits; NaN after one of the error replies. */
  int32(i: number, notAnInteger = NOT_AN_INTEGER, outOfRange = OUT_OF_INT32): number {
    const value = parseInteger(this.arg(i));
    if (value >= -(2 ** 31) && value < 2 ** 31) return value;
    const isInteger = !Number.isNaN(value) || parseInt64(this.arg(i)) !== null;
    this.reply.error(isInteger ? outOfRange : notAnInteger);
    return NaN;
  }

  /** Argument i as an int64; null after the error reply. */
  int64(i: number, error = NOT_AN_INTEGER): bigint | null {
    const value = parseInt64(this.arg(i));
    if (value === null) this.reply.error(error);
    return value;
  }

  /** Argument i as ON or OFF; null after the error reply. */
  onOrOff(i: number): boolean | null {
    if (this.is(i, 'on')) return true;
    if (this.is(i, 'off')) return false;
    this.syntaxError();
    return null;
  }

  syntaxError(): void {
    this.reply.error(SYNTAX_ERROR);
  }

  wrongArity(): void {
    this.reply.error(wrongArity(replyName(this.spec)));
  }
}
