/**
 * LocalCall: a command that the proxy answers by itself, on its way through its handler.
 *
 * Arguments are numbered from the command's name (0) and valid until the handler returns. A handler writes exactly one
 * reply to `reply`, at once. Helpers that can fail write the error reply themselves and return a value that says so.
 */
import { Bytes, parseInteger } from '../base';
import { replyName, type CommandSpec } from '../commands';
import type { CommandParser, ReplyWriter } from '../resp';
import { NOT_AN_INTEGER, SYNTAX_ERROR, wrongArity } from './error-replies';
import type { ProxyNode } from './proxy-node';
import type { Session } from './session';

export type LocalCommand = (call: LocalCall) => void;

export class LocalCall {
  readonly argc: number;
  readonly reply: ReplyWriter;

  constructor(
    readonly node: ProxyNode,
    readonly session: Session,
    readonly spec: CommandSpec,
    readonly args: CommandParser,
  ) {
    this.argc = args.argc;
    this.reply = session.reply;
  }

  arg(i: number): Bytes {
    return new Bytes(this.args.buffer, this.args.starts[i], this.args.ends[i]);
  }

  /** Argument i as text (UTF-8). */
  text(i: number): string {
    return this.arg(i).toString();
  }

  /** The arguments from `first` on. */
  textsFrom(first: number): string[] {
    const texts: string[] = [];
    for (let i = first; i < this.argc; i++) texts.push(this.text(i));
    return texts;
  }

  /** Whether argument i is this word (ASCII, in lower case), in any case. */
  is(i: number, word: string): boolean {
    return this.arg(i).is(word);
  }

  /** Argument i as an integer within ±(2^53 − 1); NaN after the error reply. */
  integer(i: number, error = NOT_AN_INTEGER): number {
    const value = parseInteger(this.arg(i));
    if (Number.isNaN(value)) this.reply.error(error);
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
