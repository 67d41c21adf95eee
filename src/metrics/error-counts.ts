/**
 * ErrorCounts: error replies by their code, the first word. Codes can be a stranger's choice (DEBUG ERROR, a server's reply),
 * so only so many are counted by name; `total` counts all.
 */
const CODES_MAX = 128;

export class ErrorCounts {
  total = 0;
  /** By code: 'ERR', 'WRONGTYPE' … */
  readonly byCode = new Map<string, number>();

  /** Counts an error reply; `text` begins with its code and has no "-". */
  count(text: string): void {
    this.total++;
    const blank = text.indexOf(' ');
    const code = blank < 0 ? text : text.slice(0, blank);
    const count = this.byCode.get(code);
    if (count !== undefined || this.byCode.size < CODES_MAX) this.byCode.set(code, (count ?? 0) + 1);
  }

  reset(): void {
    this.total = 0;
    this.byCode.clear();
  }
}
