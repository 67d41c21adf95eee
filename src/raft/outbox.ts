/**
 * Outbox: messages that wait to leave.
 *
 * Most may leave only after what they rely on is saved. Some rely on nothing that is being saved and need not wait for a slow disk,
 * lest it cost a leader its place: pre-votes and their replies, which promise nothing, and what is said by a leader or answered to its
 * heartbeats in a term that is on the disk.
 */
import type { Message } from './types';

export class Outbox {
  private messages: Message[] = [];

  get isEmpty(): boolean {
    return this.messages.length === 0;
  }

  send(message: Message): void {
    this.messages.push(message);
  }

  /** All, in their order. */
  take(): Message[] {
    const { messages } = this;
    this.messages = [];
    return messages;
  }

  /** Those that need not wait, where `savedTerm` is on the disk. */
  takeUrgent(savedTerm: number): Message[] {
    if (this.isEmpty) return [];
    const urgent = this.messages.filter((message) => isUrgent(message, savedTerm));
    if (urgent.length > 0) this.messages = this.messages.filter((message) => !isUrgent(message, savedTerm));
    return urgent;
  }
}

function isUrgent({ type, term }: Message, savedTerm: number): boolean {
  switch (type) {
    case 'pre-vote':
    case 'pre-vote-reply':
      return true;
    case 'heartbeat':
    case 'heartbeat-reply':
    case 'append':
    case 'snapshot':
    case 'timeout-now':
      return term <= savedTerm;
    default:
      return false;
  }
}
