/**
 * Route: what is to be done with a command, decided from the table of commands and the command's own bytes alone.
 *
 * Pure and without allocation: a role per command is laid out once as an array of numbers; a plan is one search by name,
 * one look at the role, and the slots of the keys. Which server owns a slot is not asked here, so the answer never
 * depends on where slots happen to be placed: keys in two slots of one server are as far apart as on two servers.
 */
import type { CommandArguments, CommandSpec, CommandTable } from '../commands';
import { findKeys, KeyPositions, KEYS_INVALID } from '../commands';
import { slotOfBytes, type SlotId } from '../slots';
import { hasBlock, patternsStayIn } from './conditions';
import { NO_KEY_TO_ROUTE_BY, refusalOf } from './refusals';

// Answers of `plan`.
/** All keys are in `slot`: the whole message goes to its owner. */
export const FORWARD = 0;
/** Keys in several slots, of a command that can be divided: `keys` holds their positions, `slots` their slots. */
export const SPLIT = 1;
/** Every group gets the whole message. */
export const ALL_GROUPS = 2;
/** The proxy answers by itself. */
export const LOCAL = 3;
/** Refused for `reason`. */
export const REFUSED = 4;
export const CROSS_SLOTS = 5;
export const INVALID_ARGUMENTS = 6;
export const WRONG_ARITY = 7;
/** `spec` is the container. */
export const UNKNOWN_SUBCOMMAND = 8;
export const UNKNOWN_COMMAND = 9;

// Roles of commands.
const ROLE_ONE_KEY = 0;
const ROLE_KEYS_TOGETHER = 1;
const ROLE_KEYS_APART = 2;
const ROLE_ALL_GROUPS = 3;
const ROLE_LOCAL = 4;
const ROLE_REFUSED = 5;
/** Keys together, if its patterns stay with them. */
const ROLE_SORT = 6;
/** Keys together, if it does not wait. */
const ROLE_STREAM_READ = 7;

export class Route {
  // Valid after `plan`, until the next:
  spec!: CommandSpec;
  slot = 0 as SlotId;
  readonly keys = new KeyPositions();
  /** Slot of each key, after SPLIT. */
  slots = new Int16Array(64);

  /** Role of a command by its id. */
  private readonly roles: Uint8Array;
  private readonly reasons: string[];

  /** @param answered names of the commands that the proxy answers by itself */
  constructor(
    private readonly table: CommandTable,
    answered: ReadonlySet<string>,
  ) {
    this.reasons = table.all.map((spec) => refusalOf(spec) ?? NO_KEY_TO_ROUTE_BY);
    this.roles = Uint8Array.from(table.all, (spec) => (answered.has(spec.name) ? ROLE_LOCAL : roleOf(spec)));
  }

  /** Why `spec` is refused, after REFUSED. */
  get reason(): string {
    return this.reasons[this.spec.id];
  }

  /** Whether a command is passed on or answered at all. */
  passes(spec: CommandSpec): boolean {
    return this.roles[spec.id] !== ROLE_REFUSED;
  }

  plan(args: CommandArguments): number {
    let spec = this.table.find(args.buffer, args.starts[0], args.ends[0]);
    if (spec === null) return UNKNOWN_COMMAND;
    if (spec.subcommands !== null && args.argc > 1) {
      this.spec = spec;
      spec = spec.subcommands.find(args.buffer, args.starts[1], args.ends[1]);
      if (spec === null) return UNKNOWN_SUBCOMMAND;
    }
    this.spec = spec;
    if (args.argc < spec.argcMin || args.argc > spec.argcMax) return WRONG_ARITY;
    switch (this.roles[spec.id]) {
      case ROLE_ONE_KEY:
        this.slot = slotOfBytes(args.buffer, args.starts[spec.firstKey], args.ends[spec.firstKey]);
        return FORWARD;
      case ROLE_KEYS_TOGETHER:
        return this.planKeys(spec, args, CROSS_SLOTS);
      case ROLE_KEYS_APART:
        return this.planKeys(spec, args, SPLIT);
      case ROLE_SORT: {
        const answer = this.planKeys(spec, args, CROSS_SLOTS);
        return answer === FORWARD && !patternsStayIn(args, this.slot) ? CROSS_SLOTS : answer;
      }
      case ROLE_STREAM_READ:
        return hasBlock(args) ? REFUSED : this.planKeys(spec, args, CROSS_SLOTS);
      case ROLE_ALL_GROUPS:
        return ALL_GROUPS;
      case ROLE_LOCAL:
        return LOCAL;
      default:
        return REFUSED;
    }
  }

  /** FORWARD where all keys are in one slot, else `apart`. */
  private planKeys(spec: CommandSpec, args: CommandArguments, apart: number): number {
    // Pairs of which one is cut: a server would say so, but parts of the command might not show it.
    if (spec.keyStep > 1 && (args.argc - spec.firstKey) % spec.keyStep !== 0) return WRONG_ARITY;
    const count = findKeys(spec, args, this.keys);
    if (count === KEYS_INVALID) return INVALID_ARGUMENTS;
    if (count === 0) return REFUSED;
    if (count > this.slots.length) this.slots = new Int16Array(count * 2);
    const { keys, slots } = this;
    let isApart = false;
    for (let i = 0; i < count; i++) {
      const at = keys.positions[i];
      slots[i] = slotOfBytes(args.buffer, args.starts[at], args.ends[at]);
      if (slots[i] !== slots[0]) isApart = true;
    }
    this.slot = slots[0] as SlotId;
    return isApart ? apart : FORWARD;
  }
}

function roleOf(spec: CommandSpec): number {
  if (spec.fanout === 'all groups') return ROLE_ALL_GROUPS;
  if (spec.name === 'XREAD' || spec.name === 'XREADGROUP') return ROLE_STREAM_READ;
  if (refusalOf(spec) !== null) return ROLE_REFUSED;
  if (spec.name === 'SORT' || spec.name === 'SORT_RO') return ROLE_SORT;
  if (spec.fanout === 'by key') return ROLE_KEYS_APART;
  if (spec.movableKeys) return ROLE_KEYS_TOGETHER;
  if (spec.firstKey === 0) return ROLE_REFUSED;
  return spec.firstKey === spec.lastKey ? ROLE_ONE_KEY : ROLE_KEYS_TOGETHER;
}
