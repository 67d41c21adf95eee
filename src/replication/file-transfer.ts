/**
 * FileTransfer: a snapshot that lies in a file, on its way to one replica: its length first, as Redis' `$<bytes>`, then its bytes.
 *
 * Pieces are read as fast as the connection takes them, and each in memory of its own, which the connection may keep until it
 * is sent. The file was written a moment ago, so that to read a piece is to copy it from the system's memory.
 */
import { ascii, type ReadableFile } from '../base';
import { UNSENT_BYTES_EASY, type ReplicaConnection } from './replica-feed';

const PIECE_BYTES = 128 * 1024;
/** Read without a pause: a millisecond's work. */
const GO_BYTES_MAX = 2 * 1024 * 1024;

export class FileTransfer {
  private readAt = 0;
  private isOver = false;

  /** `ended` is called once: when all was handed to the connection, or why it never will be; not after `abandon`. */
  constructor(
    private readonly file: ReadableFile,
    private readonly connection: ReplicaConnection,
    private readonly ended: (error: Error | null) => void,
  ) {
    connection.write(ascii(`$${file.size}\r\n`));
  }

  /** Goes on as far as the connection takes it. Whether it would take more. @throws nothing: failures go to `ended` */
  advance(): boolean {
    const { connection, file } = this;
    const goEnd = Math.min(file.size, this.readAt + GO_BYTES_MAX);
    try {
      while (!this.isOver && this.readAt < goEnd && connection.unsentBytes <= UNSENT_BYTES_EASY) this.sendPiece();
    } catch (error) {
      this.end(error as Error);
    }
    if (!this.isOver && this.readAt === file.size) this.end(null);
    return !this.isOver && connection.unsentBytes <= UNSENT_BYTES_EASY;
  }

  private sendPiece(): void {
    const { connection, file } = this;
    const piece = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, file.size - this.readAt));
    let length = 0;
    while (length < piece.length) {
      const count = file.read(piece, length, piece.length, this.readAt + length);
      if (count === 0) throw new Error('the file of a snapshot has become shorter');
      length += count;
    }
    this.readAt += length;
    connection.write(piece);
  }

  /** Ends it half-way; `ended` is not called. */
  abandon(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.file.close();
  }

  private end(error: Error | null): void {
    if (this.isOver) return;
    this.abandon();
    this.ended(error);
  }
}
