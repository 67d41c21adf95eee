/**
 * ModelData: what a data node has, as far as the control plane is concerned: a sequence of tokens, and its place in a stream.
 *
 * Each write adds a token that nobody else writes, so it can be told of every node which writes it has. Offsets grow by ten per token. A
 * node that is promoted begins a stream of its own and remembers where it left the former one (PSYNC2); one that was restarted
 * with its data does so, too. So does a master whose first replica comes, and that leaves no trace of the former stream: nobody can have
 * followed it there. A replica that can go on from where it is gets what is missing; any other is filled anew and loses what it had.
 */

export const BYTES_PER_TOKEN = 10;

export class ModelData {
  formerStream = '';
  formerOffset = -1;
  /** What was written is kept for replicas: there was one, or there are data of a former life. */
  private hasBacklog = false;

  constructor(
    public stream: string,
    public tokens: number[],
  ) {}

  get offset(): number {
    return this.tokens.length * BYTES_PER_TOKEN;
  }

  /** Begins a stream of its own where the present one ends here. */
  part(stream: string): void {
    this.formerStream = this.stream;
    this.formerOffset = this.offset;
    this.stream = stream;
    this.hasBacklog = true;
  }

  /** The first replica comes: a stream begins in which it can be followed. */
  beFollowed(newStream: () => string): void {
    if (this.hasBacklog) return;
    this.hasBacklog = true;
    this.stream = newStream();
    this.formerStream = '';
    this.formerOffset = -1;
  }

  /** It stands in the stream of whom it follows, and could go on with it. */
  took(stream: string): void {
    this.stream = stream;
    this.hasBacklog = true;
  }

  /** Whether a replica that stands there can go on with what this node has after it. */
  continues(stream: string, offset: number): boolean {
    if (offset > this.offset) return false;
    return stream === this.stream || (stream === this.formerStream && offset <= this.formerOffset);
  }

  /** The tokens after an offset. */
  after(offset: number): number[] {
    return this.tokens.slice(offset / BYTES_PER_TOKEN);
  }

  /** As fields of INFO. */
  describe(isReplica: boolean): string[] {
    return [
      `master_replid:${this.stream}`,
      `${isReplica ? 'slave_repl_offset' : 'master_repl_offset'}:${this.offset}`,
      `master_replid2:${this.formerStream === '' ? '0'.repeat(40) : this.formerStream}`,
      `second_repl_offset:${this.formerStream === '' ? -1 : this.formerOffset + 1}`,
    ];
  }
}
