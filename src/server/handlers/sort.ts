/**
 * SORT and SORT_RO: the elements of a list, set or sorted set, ordered by themselves or by what other keys hold.
 *
 * Four steps: read the options, copy the elements, weigh and order them, and reply or store what is wanted of them. Where
 * nothing is to be sorted (BY a pattern without a star) only the elements of the LIMIT are copied, in the order that a list or
 * sorted set has, or the reverse one; a set that is stored is sorted all the same, so that replicas store the same list.
 *
 * Numbers are what C's `strtod` reads: blanks may lead, hexadecimals and infinities are numbers, and so is nothing (0). A weight
 * that is missing is 0, or comes before all texts. Texts are compared byte by byte, as in the locale "C".
 */
import { Bytes, EMPTY_BUFFER, parseDouble } from '../../base';
import type { generic, Handlers } from '../../commands';
import { fixedWord, List, SortedSet, TYPE_LIST, TYPE_SET, TYPE_SORTED_SET, type MemberSet } from '../../storage';
import type { Call, Handler } from '../call';
import { NOT_A_SCORE, WRONG_TYPE } from '../error-replies';
import { leaveDeletion } from './effects';
import { SortOrder } from './sort-order';
import { SortPattern } from './sort-pattern';
import { prefixWeight, Texts, WEIGHT_OF_NOTHING } from './sort-texts';

export const sortHandlers: Pick<Handlers<typeof generic, Handler>, 'SORT' | 'SORT_RO'> = {
  SORT(call) {
    sort(call, true);
  },

  SORT_RO(call) {
    sort(call, false);
  },
};

type Sortable = List | MemberSet | SortedSet;

interface Options {
  /** What elements are sorted by; null: by themselves. */
  by: SortPattern | null;
  isSorted: boolean;
  isAlphabetic: boolean;
  isDescending: boolean;
  /** How many to leave out. */
  offset: number;
  /** How many to reply; all if negative. */
  limit: number;
  /** What to reply of each. */
  readonly gets: SortPattern[];
  /** The argument that names the key to store to; 0: none. */
  destination: number;
}

/** Bytes by which a listpack grows at most with an element, besides its text: as Redis reckons when it fills nodes. */
const ELEMENT_OVERHEAD_BYTES = 8;
/** Doubles nearer to 0 have lost digits, which `strtod` says is out of range. */
const NORMAL_MIN = 2 ** -1022;

/** What SORT leaves in the journal pushes so many elements at once at most. */
const PUSHED_ELEMENTS_MAX = 1024;
const RPUSH = fixedWord('RPUSH');

const ELEMENT = Bytes.of('#');
const NOTHING = new Bytes();
const element = new Bytes();
const value = new Bytes();

function sort(call: Call, mayStore: boolean): void {
  const options = readOptions(call, mayStore);
  if (options === null) return;
  const source = openSource(call);
  if (source === null) return call.reply.error(WRONG_TYPE);
  if (!options.isSorted && options.destination > 0 && source.type === TYPE_SET) {
    options.isSorted = true;
    options.isAlphabetic = true;
    options.by = null;
  }
  const { length } = source;
  const from = Math.min(Math.max(options.offset, 0), length);
  const count = options.limit < 0 ? length - from : Math.min(options.limit, length - from);
  const chosen = options.isSorted
    ? chooseSorted(call, options, copyElements(source, 0, length, false), from, count)
    : { texts: copyElements(source, from, count, options.isDescending), order: null, from: 0, count };
  if (chosen === null) call.reply.error(NOT_A_SCORE);
  else if (options.destination > 0)
    store(call, options, chosen, source.type === TYPE_SET && options.isAlphabetic && options.by !== null);
  else reply(call, options, chosen);
  // Nothing may hold on to the copies.
  element.set(EMPTY_BUFFER, 0, 0);
  value.set(EMPTY_BUFFER, 0, 0);
}

/** Null after the error reply. */
function readOptions(call: Call, mayStore: boolean): Options | null {
  const options: Options = {
    by: null,
    isSorted: true,
    isAlphabetic: false,
    isDescending: false,
    offset: 0,
    limit: -1,
    gets: [],
    destination: 0,
  };
  for (let i = 2; i < call.argc; i++) {
    const left = call.argc - 1 - i;
    if (call.is(i, 'asc')) {
      options.isDescending = false;
    } else if (call.is(i, 'desc')) {
      options.isDescending = true;
    } else if (call.is(i, 'alpha')) {
      options.isAlphabetic = true;
    } else if (call.is(i, 'limit') && left >= 2) {
      options.offset = call.clampedInteger(++i);
      if (Number.isNaN(options.offset)) return null;
      options.limit = call.clampedInteger(++i);
      if (Number.isNaN(options.limit)) return null;
    } else if (mayStore && call.is(i, 'store') && left >= 1) {
      options.destination = ++i;
    } else if (call.is(i, 'by') && left >= 1) {
      options.by = new SortPattern(call.arg(++i));
      // One BY that names no keys is enough.
      options.isSorted &&= options.by.hasStar;
    } else if (call.is(i, 'get') && left >= 1) {
      options.gets.push(new SortPattern(call.arg(++i)));
    } else {
      call.syntaxError();
      return null;
    }
  }
  if (options.gets.length === 0) options.gets.push(new SortPattern(ELEMENT));
  return options;
}

/** What the first argument names; a missing key is an empty list. Null where it is nothing that can be sorted. */
function openSource(call: Call): Sortable | null {
  const record = call.lookup(1);
  const source = cursorFor(call, record === 0 ? TYPE_LIST : call.keyspace.records.type(record));
  source?.open(call.database, call.arg(1), record);
  return source;
}

function cursorFor(call: Call, type: number): Sortable | null {
  if (type === TYPE_LIST) return call.list;
  if (type === TYPE_SET) return call.set;
  return type === TYPE_SORTED_SET ? call.sortedSet : null;
}

/** `count` elements from an index on, of which there are so many; `backward`: towards the head, counted from the tail. */
function copyElements(source: Sortable, from: number, count: number, backward: boolean): Texts {
  const texts = new Texts(count);
  if (count === 0) return texts;
  if (source instanceof List || source instanceof SortedSet) {
    source.seek(backward ? source.length - 1 - from : from);
    for (let left = count; left > 0; left--) {
      texts.add(source instanceof List ? source.read(element) : source.name(element));
      if (backward) source.previous();
      else source.next();
    }
  } else {
    // A set has no order that could be reversed.
    source.start();
    for (let left = from; left > 0; left--) source.next();
    while (texts.count < count && source.next()) texts.add(source.name(element));
  }
  return texts;
}

/** `count` of all elements from a rank on; null where a weight is no number. */
function chooseSorted(call: Call, options: Options, texts: Texts, from: number, count: number): Chosen | null {
  const { by, isAlphabetic, isDescending } = options;
  const weights = new Float64Array(texts.count);
  // Elements that weigh the same are in the order of their texts, but those that are sorted by texts keep the one they had.
  const weighed = isAlphabetic && by !== null ? new Texts(texts.count) : texts;
  for (let i = 0; i < weights.length; i++) {
    texts.at(i, element);
    const hasWeight = by === null || by.find(call, element, value);
    const weight = !hasWeight ? NOTHING : by === null ? element : value;
    if (isAlphabetic) {
      weights[i] = hasWeight ? prefixWeight(weight) : WEIGHT_OF_NOTHING;
      if (weighed !== texts) weighed.add(weight);
    } else {
      weights[i] = readNumber(weight);
      if (Number.isNaN(weights[i])) return null;
    }
  }
  const order = new SortOrder(weighed, weights, isDescending).first(from + count);
  return { texts, order, from, count };
}

/** NaN where it is none. */
function readNumber({ buffer, start, end }: Bytes): number {
  if (start === end || buffer[start] === 0) return 0;
  let first = start;
  while (first < end && isBlank(buffer[first])) first++;
  let last = first;
  while (last < end && buffer[last] !== 0) last++;
  const number = parseDouble(value.set(buffer, first, last));
  return number !== 0 && Math.abs(number) < NORMAL_MIN ? NaN : number;
}

/** A blank, or what moves the cursor: tab to carriage return. */
function isBlank(byte: number): boolean {
  return byte === 32 || (byte >= 9 && byte <= 13);
}

/** Some elements by their numbers, in order. */
interface Chosen {
  readonly texts: Texts;
  /** Null: as they come. */
  readonly order: Uint32Array | null;
  readonly from: number;
  readonly count: number;
}

function elementOf({ texts, order, from }: Chosen, i: number): Bytes {
  return texts.at(order === null ? from + i : order[from + i], element);
}

function reply(call: Call, { gets }: Options, chosen: Chosen): void {
  call.reply.array(chosen.count * gets.length);
  for (let i = 0; i < chosen.count; i++) {
    elementOf(chosen, i);
    for (const pattern of gets) {
      if (pattern.find(call, element, value)) call.reply.bulk(value);
      else call.reply.null();
    }
  }
}

/**
 * Stores what would be replied as a list, with empty texts for what is missing. `isByChance`: elements that weigh the same are in
 * the order that a set happens to have here, so that the journal must say which list it is.
 */
function store(call: Call, { gets, destination }: Options, chosen: Chosen, isByChance: boolean): void {
  const stored = chosen.count * gets.length;
  const draft = call.listDraft;
  try {
    const list = draft.begin();
    for (let i = 0; i < chosen.count; i++) {
      elementOf(chosen, i);
      for (const pattern of gets) {
        const text = pattern.find(call, element, value) ? value : NOTHING;
        list.expect(text.length + ELEMENT_OVERHEAD_BYTES, 1);
        list.pushTail(text);
      }
    }
    if (stored > 0) {
      if (isByChance && call.journals) leaveList(call, destination, list);
      draft.moveTo(call.database, call.arg(destination));
      call.changed(stored);
    } else if (call.database.delete(call.arg(destination))) {
      call.changed();
    }
  } finally {
    draft.discard();
  }
  call.reply.integer(stored);
}

/** Lets the command leave a list under the key in argument `keyAt`. */
function leaveList(call: Call, keyAt: number, list: List): void {
  leaveDeletion(call, keyAt);
  const { length } = list;
  list.seek(0);
  for (let i = 0; i < length; i++) {
    if (i % PUSHED_ELEMENTS_MAX === 0) {
      call
        .leave(2 + Math.min(PUSHED_ELEMENTS_MAX, length - i))
        .fixed(RPUSH)
        .word(call.arg(keyAt));
    }
    call.node.journal.word(list.read(value));
    list.next();
  }
}
