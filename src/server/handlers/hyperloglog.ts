/**
 * HyperLogLog commands. What a HyperLogLog is stands in storage/hyperloglog.ts; here are keys, replies and errors.
 *
 * As in Redis, a value becomes "raw" as soon as a command may change it, PFCOUNT included, and what was done before a corrupt
 * run was met stays done.
 */
import type { Handlers, hyperloglog } from '../../commands';
import {
  CORRUPT,
  ENCODING_RAW,
  estimateOf,
  findSketchFault,
  isHyperLogLog,
  REGISTER_COUNT,
  Sketch,
  type Address,
} from '../../storage';
import { WRONG, type Call, type Handler } from '../call';
import { CORRUPT_HYPERLOGLOG, KEY_DOES_NOT_EXIST, NOT_A_HYPERLOGLOG, NOT_SPARSE } from '../error-replies';

/** The one that a command is working on. */
const sketch = new Sketch();
/** Registers of several, one byte each. */
const union = new Uint8Array(REGISTER_COUNT);

export const hyperloglogHandlers: Handlers<typeof hyperloglog, Handler> = {
  PFADD(call) {
    const record = open(call, call.findString(1));
    if (record === WRONG) return;
    const bytesMax = call.node.settings.values['hll-sparse-max-bytes'];
    let changes = record === 0 ? 1 : 0;
    let result = 0;
    for (let i = 2; i < call.argc && result !== CORRUPT; i++) {
      result = sketch.add(call.arg(i), bytesMax);
      if (result !== CORRUPT) changes += result;
    }
    if (changes > 0) sketch.markStale();
    store(call, 1, record);
    call.changed(changes);
    if (result === CORRUPT) call.reply.error(CORRUPT_HYPERLOGLOG);
    else call.reply.integer(changes > 0 ? 1 : 0);
  },

  PFCOUNT(call) {
    if (call.argc > 2) {
      if (mergeKeys(call) !== WRONG) replyCount(call, estimateOf(union));
      return;
    }
    const record = open(call, call.lookupString(1));
    if (record === WRONG) return;
    if (record === 0) {
      call.reply.integer(0);
      return;
    }
    if (sketch.isStale) {
      if (!sketch.refresh()) {
        call.reply.error(CORRUPT_HYPERLOGLOG);
        return;
      }
      store(call, 1, record);
      call.changed();
    }
    replyCount(call, sketch.cardinality);
  },

  PFMERGE(call) {
    const wasDense = mergeKeys(call);
    if (wasDense === WRONG) return;
    const record = open(call, call.findString(1));
    if (record === WRONG) return;
    if (wasDense === DENSE_SEEN) sketch.toDense();
    const bytesMax = call.node.settings.values['hll-sparse-max-bytes'];
    for (let i = 0; i < REGISTER_COUNT; i++) if (union[i] !== 0) sketch.raise(i, union[i], bytesMax);
    sketch.markStale();
    // Counts as a change even where it found nothing new.
    if (!sketch.isOwn) call.database.changing(record);
    store(call, 1, record);
    call.changed();
    call.reply.ok();
  },

  PFDEBUG(call) {
    const record = open(call, call.findString(2));
    if (record === WRONG) return;
    if (record === 0) call.reply.error(KEY_DOES_NOT_EXIST);
    else if (call.is(1, 'getreg')) replyRegisters(call, record);
    else if (call.is(1, 'decode')) replyRuns(call);
    else if (call.is(1, 'encoding')) call.reply.simple(sketch.isSparse ? 'sparse' : 'dense');
    else if (call.is(1, 'todense')) replyWhetherMadeDense(call, record);
    else call.reply.error(`ERR Unknown PFDEBUG subcommand '${call.text(1)}'`);
  },

  PFSELFTEST(call) {
    const fault = findSketchFault(call.node.world.random);
    if (fault === null) call.reply.ok();
    else call.reply.error(`TESTFAILED ${fault}`);
  },
};

// Answers of `mergeKeys`, beside WRONG.
const ALL_SPARSE = 0;
const DENSE_SEEN = 1;

/** Opens a record's value, which may then be changed; for a missing key (0) a new one. WRONG after the error reply. */
function open(call: Call, record: Address): Address {
  if (check(call, record) === WRONG) return WRONG;
  if (record === 0) {
    sketch.create();
  } else {
    call.keyspace.records.setEncoding(record, ENCODING_RAW);
    sketch.open(call.stringOf(record));
  }
  return record;
}

/** Stores what was opened for key argument i, the last that was looked up, if it was changed. */
function store(call: Call, i: number, record: Address): void {
  if (sketch.isOwn) call.strings.setRaw(call.database, call.arg(i), record, sketch.bytes(call.value));
}

/** WRONG after the error reply if a record holds no HyperLogLog. */
function check(call: Call, record: Address): Address {
  if (record === WRONG || record === 0 || isHyperLogLog(call.stringOf(record))) return record;
  call.reply.error(NOT_A_HYPERLOGLOG);
  return WRONG;
}

/** Merges the values of all keys, from argument 1 on, to `union`. WRONG after the error reply. */
function mergeKeys(call: Call): number {
  union.fill(0);
  let seen = ALL_SPARSE;
  for (let i = 1; i < call.argc; i++) {
    const record = check(call, call.lookupString(i));
    if (record === WRONG) return WRONG;
    if (record === 0) continue;
    sketch.open(call.stringOf(record));
    if (!sketch.isSparse) seen = DENSE_SEEN;
    if (!sketch.mergeInto(union)) {
      call.reply.error(CORRUPT_HYPERLOGLOG);
      return WRONG;
    }
  }
  return seen;
}

function replyCount(call: Call, count: number | bigint): void {
  if (typeof count === 'number' && Number.isSafeInteger(count)) call.reply.integer(count);
  else call.reply.int64(BigInt(count));
}

/** False after the error reply if the value is corrupt. */
function makeDense(call: Call, record: Address): boolean {
  if (!sketch.isSparse) return true;
  if (!sketch.toDense()) {
    call.reply.error(CORRUPT_HYPERLOGLOG);
    return false;
  }
  store(call, 2, record);
  call.changed();
  return true;
}

function replyRegisters(call: Call, record: Address): void {
  if (!makeDense(call, record)) return;
  call.reply.array(REGISTER_COUNT);
  for (let i = 0; i < REGISTER_COUNT; i++) call.reply.integer(sketch.denseRegister(i));
}

function replyRuns(call: Call): void {
  if (sketch.isSparse) call.reply.text(sketch.describeRuns());
  else call.reply.error(NOT_SPARSE);
}

function replyWhetherMadeDense(call: Call, record: Address): void {
  const wasSparse = sketch.isSparse;
  if (makeDense(call, record)) call.reply.integer(wasSparse ? 1 : 0);
}
