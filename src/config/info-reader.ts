/**
 * What INFO tells of a data node, as far as a change of master depends on it.
 *
 * Stock Redis 5 to 7, Valkey and our servers use the same names; a field that is missing has the value that promises least. The text is
 * searched for the few of its two hundred lines that matter, as it comes four times a second from every data node.
 */
import type { MemberReport } from '../failover';

/** Replication ids and runs have forty characters; hosts may have more. */
const PRINTABLE = /^[ -~]{0,255}$/;

/** The report of a node, and what only our own nodes tell; from the text that INFO answered. */
export interface NodeInfo {
  readonly report: MemberReport;
  /** What it may do, in its own word; '' for stock servers. */
  readonly duty: string;
}

/** Null where the text does not tell the role: then it is no answer to INFO. */
export function readInfo(text: string): NodeInfo | null {
  const word = (name: string): string => printable(valueOf(text, name));
  const role = word('role');
  if (role !== 'master' && role !== 'slave') return null;
  const number = (name: string, otherwise: number): number => wholeNumber(word(name), otherwise);
  const isReplica = role === 'slave';
  const formerEnd = number('second_repl_offset', -1);
  const report: MemberReport = {
    runId: word('run_id'),
    role: isReplica ? 'replica' : 'master',
    stream: word('master_replid'),
    offset: number(isReplica ? 'slave_repl_offset' : 'master_repl_offset', -1),
    formerStream: formerEnd > 0 ? word('master_replid2') : '',
    // It names the first byte of the stream after that one.
    formerOffset: formerEnd > 0 ? formerEnd - 1 : -1,
    priority: number('slave_priority', 100),
    masterHost: isReplica ? word('master_host') : '',
    masterPort: isReplica ? number('master_port', 0) : 0,
    isLinkUp: word('master_link_status') === 'up',
    linkDownSeconds: word('master_link_status') === 'up' ? 0 : number('master_link_down_since_seconds', -1),
    isSyncing: word('master_sync_in_progress') === '1',
    isLoading: word('loading') === '1' || word('async_loading') === '1',
    isPending: word('slotcache_pending') === '1',
    hasKeys: /^db\d+:keys=[1-9]/m.test(text),
  };
  return { report, duty: word('slotcache_duty') };
}

/** What the line of that name has after its colon; '' where there is none. */
function valueOf(text: string, name: string): string {
  const mark = `\n${name}:`;
  const at = text.indexOf(mark);
  if (at < 0 && !text.startsWith(mark.slice(1))) return '';
  const from = at < 0 ? mark.length - 1 : at + mark.length;
  const end = text.indexOf('\r\n', from);
  return text.slice(from, end < 0 ? undefined : end);
}

/** What it says of itself is kept, shown and logged: nothing but a name is taken for one. */
function printable(text: string): string {
  return PRINTABLE.test(text) ? text : '';
}

function wholeNumber(text: string, otherwise: number): number {
  return /^-?\d{1,16}$/.test(text) ? Number(text) : otherwise;
}
