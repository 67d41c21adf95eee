/**
 * TransferFormat: keys as the commands that give them to another server, whatever that has under their names.
 *
 * A RESTORE of what DUMP says is exact for every type, with encoding, groups and pending entries of streams, expiry and use, and what
 * people who know MIGRATE expect. But it is one piece, for who sends it and for who runs it: a hash of five million fields would hold
 * both for seconds. So large values go in parts, as the commands that add their elements (command-format.ts), which is as exact for
 * hashes, sets, sorted sets and lists, but for when they were last used. Strings are a SET where nobody asks how they are used, which
 * says the same and takes a fraction of the time; long ones always, as a payload would be a copy of them.
 *
 * Large streams lose what commands cannot say (command-streams.ts): who cares sets the limit above which they are large high.
 */
import { Bytes, type Output } from '../../base';
import { writeBulk } from '../../resp';
import type { Address } from '../arena';
import type { Database } from '../database';
import { fixedWord } from '../journal';
import type { Keyspace } from '../keyspace';
import { Dumps } from '../rdb/dumps';
import { NO_EXPIRY, TYPE_STRING } from '../records';
import type { Stream } from '../stream';
import type { StreamId } from '../stream-id';
import { CommandFormat } from './command-format';
import { beginCommand, writeText, writeWhole } from './command-words';
import type { LargeValue, SnapshotFormat } from './format';

/** Strings above this are not wrapped in a payload. */
const PAYLOAD_STRING_BYTES_MAX = 64 * 1024;

const DEL = fixedWord('DEL');
const RESTORE = fixedWord('RESTORE');
const REPLACE = fixedWord('REPLACE');
const ABSTTL = fixedWord('ABSTTL');
const IDLETIME = fixedWord('IDLETIME');
const FREQ = fixedWord('FREQ');
/** RESTORE, its key, time and payload, and two options. */
const RESTORE_WORDS = 6;

export class TransferFormat implements SnapshotFormat {
  private readonly commands: CommandFormat;
  private readonly dumps: Dumps;
  private readonly key = new Bytes();
  private readonly text = new Bytes();

  constructor(private readonly keyspace: Keyspace) {
    this.commands = new CommandFormat(keyspace, []);
    this.dumps = new Dumps(keyspace);
  }

  begin(_out: Output): void {}

  database(out: Output, index: number): void {
    this.commands.database(out, index);
  }

  whole(out: Output, database: Database, record: Address): void {
    const { eviction, records } = this.keyspace;
    const tellsUse = eviction.countsUses || eviction.timesUses;
    if (records.type(record) === TYPE_STRING) {
      const { length } = records.value(record, this.text);
      if (!tellsUse || length > PAYLOAD_STRING_BYTES_MAX) return this.commands.whole(out, database, record);
    }
    const key = records.key(record, this.key);
    const expiryAtMs = records.expiry(record);
    const payload = this.dumps.dump(database, record, false);
    beginCommand(out, RESTORE_WORDS + (tellsUse ? 2 : 0), RESTORE);
    writeText(out, key);
    writeWhole(out, expiryAtMs === NO_EXPIRY ? 0 : expiryAtMs);
    writeBulk(out, payload, 0, payload.length);
    out.constant(REPLACE);
    out.constant(ABSTTL);
    if (!tellsUse) return;
    const access = records.access(record);
    out.constant(eviction.countsUses ? FREQ : IDLETIME);
    writeWhole(out, eviction.countsUses ? eviction.frequency(access) : this.keyspace.secondsSince(access));
  }

  /** A key that is not there. */
  missing(out: Output, databaseIndex: number, key: Bytes): void {
    this.database(out, databaseIndex);
    this.remove(out, key);
  }

  open(out: Output, value: LargeValue): void {
    this.remove(out, value.key);
  }

  field(out: Output, value: LargeValue, name: Bytes, text: Bytes): void {
    this.commands.field(out, value, name, text);
  }

  member(out: Output, value: LargeValue, name: Bytes): void {
    this.commands.member(out, value, name);
  }

  scored(out: Output, value: LargeValue, name: Bytes, score: number): void {
    this.commands.scored(out, value, name, score);
  }

  listNode(out: Output, value: LargeValue, listpack: Bytes): void {
    this.commands.listNode(out, value, listpack);
  }

  streamNode(out: Output, value: LargeValue, id: StreamId, listpack: Bytes): void {
    this.commands.streamNode(out, value, id, listpack);
  }

  streamRest(out: Output, value: LargeValue, stream: Stream): void {
    this.commands.streamRest(out, value, stream);
  }

  close(out: Output, value: LargeValue): void {
    this.commands.close(out, value);
  }

  end(_out: Output): void {}

  private remove(out: Output, key: Bytes): void {
    beginCommand(out, 2, DEL);
    writeText(out, key);
  }
}
