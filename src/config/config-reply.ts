/**
 * ConfigReply: what a request to the config server comes to, before anybody has carried it out.
 *
 * Plain data, made by `perform` (commands.ts). Error texts never hold what could break out of a line of RESP, whatever a client typed.
 */
import type { Engine, MemberParts } from '../slots';
import type { ConfigCommand, ConfigMember, FailoverKind } from './records';
import type { ReplyValue } from './scene';
import type { Refusal } from './state';

const ERROR_CHARS_MAX = 256;

/** What takes more than to apply one command. */
export type Operation =
  /** Ask the server what it is, then add it. `engine` null: what it says that it is. */
  | {
      readonly does: 'add-member';
      readonly group: number;
      readonly member: MemberParts;
      readonly engine: Engine | null;
      readonly isForced: boolean;
      readonly isChecked: boolean;
    }
  | {
      readonly does: 'change-master';
      readonly kind: Exclude<FailoverKind, 'automatic'>;
      readonly group: number;
      readonly target: string;
    }
  | { readonly does: 'renew'; readonly holder: 'PROXY' | 'SERVER'; readonly runId: string; readonly version: number }
  | { readonly does: 'add-config'; readonly member: ConfigMember }
  | { readonly does: 'remove-config'; readonly id: number }
  | { readonly does: 'lead'; readonly id: number };

export type ConfigReply =
  | { readonly kind: 'value'; readonly value: ReplyValue }
  /** An error reply: text without the leading '-' and without a line end. */
  | { readonly kind: 'error'; readonly text: string }
  /** A change; when it is durable the reply is the new version as an integer. */
  | { readonly kind: 'propose'; readonly command: ConfigCommand }
  | { readonly kind: 'operate'; readonly operation: Operation }
  /** Push {@link viewMessage} of the current view if it is newer than `version`, and of every view from now on. */
  | { readonly kind: 'subscribe'; readonly version: number }
  /** Push {@link eventMessage} of every event from now on. */
  | { readonly kind: 'subscribe-events' }
  /** The connection routes by that version now. No reply. */
  | { readonly kind: 'acknowledge'; readonly version: number };

/** The error reply for a proposal that was refused. */
export function refusalText({ code, message }: Pick<Refusal, 'message'> & { readonly code: string }): string {
  return `${code} ${printable(message)}`;
}

/** Text that may hold a client's words, fit for an error line: printable ASCII of bounded length. */
export function printable(text: string): string {
  return text.slice(0, ERROR_CHARS_MAX).replaceAll(/[^ -~]/g, '.');
}

export function value(value: ReplyValue): ConfigReply {
  return { kind: 'value', value };
}

export function error(text: string): ConfigReply {
  return { kind: 'error', text };
}

export function propose(command: ConfigCommand): ConfigReply {
  return { kind: 'propose', command };
}

export function operate(operation: Operation): ConfigReply {
  return { kind: 'operate', operation };
}
