/**
 * ReplyParser: finds the replies in what a server sends, each as one range of bytes.
 *
 * One per connection. It decodes nothing: a proxy passes the range on, a client gives it to `decodeReply`. A reply
 * that is whole in its chunk is handed out where it lies; see MessageAssembler for those that are not.
 */
import { EMPTY_BUFFER } from '../base';
import { MessageAssembler } from './assembler';
import { defaultReplyLimits, NEED_MORE, PROTOCOL_ERROR, REPLY, type ReplyLimits } from './limits';
import { ReplyScanner } from './reply-scanner';

export class ReplyParser extends MessageAssembler {
  // Valid after `next()` has answered REPLY, until the next call of `next()` or `feed()`:
  buffer: Uint8Array = EMPTY_BUFFER;
  /** One whole reply is `buffer[start, end)`, with everything nested in it and the attributes before it. */
  start = 0;
  end = 0;
  /** The reply's type byte, attributes passed over; the values are those of `replyTypes`. */
  kind = 0;

  /** After PROTOCOL_ERROR: why, for a log. */
  errorText = '';

  private readonly scanner: ReplyScanner;

  constructor(private readonly limits: ReplyLimits = defaultReplyLimits()) {
    super();
    this.scanner = new ReplyScanner(limits);
  }

  /** REPLY, NEED_MORE, or PROTOCOL_ERROR, which is final: the connection is to be closed. */
  next(): number {
    if (this.failed) return PROTOCOL_ERROR;
    this.leaveOwn();
    const { scanner } = this;
    for (;;) {
      const answer = scanner.run(this.data, this.limit);
      if (answer === REPLY) return this.handOut();
      if (answer === PROTOCOL_ERROR) return this.fail(scanner.errorText);
      if (this.more(scanner.missing)) continue;
      return this.bufferedBytes > this.limits.replyBytesMax ? this.fail('reply too big') : NEED_MORE;
    }
  }

  protected override moved(distance: number): void {
    this.scanner.position -= distance;
  }

  private handOut(): number {
    const { scanner } = this;
    this.buffer = this.data;
    this.start = this.messageStart;
    this.end = scanner.position;
    this.kind = scanner.kind;
    this.messageStart = scanner.position;
    scanner.begin(scanner.position);
    return REPLY;
  }

  private fail(text: string): number {
    this.errorText = text;
    this.stop();
    return PROTOCOL_ERROR;
  }
}
