/**
 * ConfigMachine: the state machine under Raft's log: entries in, states out.
 *
 * An entry is JSON, `{ v, command, atMs, by, requestId }`: the moment and the asker are part of it, as applying must not look at a clock.
 * An entry of a newer form, or with a command that this version does not know, stops the node: to pass over it would mean to disagree
 * with the others for ever. (So config servers are brought to a new version before its commands are used.)
 *
 * A named request that has an outcome is answered with that, and nothing is done: so whoever got no answer may ask again (promise C2).
 */
import { CacheError } from '../base';
import type { Entry, StateMachine } from '../raft';
import { JsonFields } from './json-fields';
import type { ConfigCommand } from './records';
import { ConfigState, type Acceptance, type Refusal } from './state';
import type { ConfigEvent, Stamp } from './state-parts';

/** A proposal as the log has it. */
export interface LoggedCommand extends Stamp {
  readonly command: ConfigCommand;
  /** '' for one without a name. */
  readonly requestId: string;
}

/** What became of an entry, for who proposed it. */
export interface Applied {
  /** Null where the request had been carried out before. */
  readonly outcome: Acceptance | Refusal | null;
  /** As the text of a reply: `:17` or `-REFUSED …`. */
  readonly answer: string;
}

const FORM = 1;

const KNOWN: ReadonlySet<string> = new Set<ConfigCommand['does']>([
  'create-group',
  'delete-group',
  'add-member',
  'remove-member',
  'identify-member',
  'note-stream',
  'assign-slots',
  'spread-slots',
  'register-proxy',
  'deregister-proxy',
  'begin-failover',
  'end-failover',
  'abandon-failover',
  'pause-failover',
  'resume-failover',
  'set',
  'name-cluster',
  'add-config',
  'remove-config',
]);

export class ConfigMachine implements StateMachine {
  private current = ConfigState.empty;

  /**
   * @param changed is called after each change; with null when all of the state was replaced
   * @param failed is called once, when an entry cannot be understood; nothing is applied any more
   */
  constructor(
    private readonly changed: (event: ConfigEvent | null) => void,
    private readonly failed: (error: CacheError) => void,
  ) {}

  private isFailed = false;

  get state(): ConfigState {
    return this.current;
  }

  apply(entry: Entry): Applied {
    const nothing: Applied = { outcome: null, answer: '-ERR this node has stopped' };
    if (this.isFailed) return nothing;
    let logged: LoggedCommand;
    try {
      logged = decodeCommand(entry.data);
    } catch (error) {
      if (!(error instanceof CacheError)) throw error;
      this.isFailed = true;
      this.failed(new CacheError('BAD_LOG', `entry ${entry.index} of the log: ${error.message}`, { cause: error }));
      return nothing;
    }
    return this.carryOut(logged);
  }

  snapshot(): Uint8Array {
    return Buffer.from(JSON.stringify(this.current));
  }

  /** @throws CacheError BAD_VIEW, BAD_MESSAGE */
  restore(data: Uint8Array): void {
    this.current = ConfigState.parse(Buffer.from(data.buffer, data.byteOffset, data.length).toString());
    this.changed(null);
  }

  private carryOut({ command, requestId, atMs, by }: LoggedCommand): Applied {
    const former = this.current.outcomeOf(requestId);
    if (former !== null) return { outcome: null, answer: former };
    const outcome = this.current.apply(command, { atMs, by });
    const answer = outcome.accepted ? `:${outcome.event.version}` : `-${outcome.code} ${outcome.message}`;
    if (outcome.accepted) this.current = outcome.state;
    if (requestId !== '') this.current = this.current.withOutcome(requestId, answer);
    if (outcome.accepted) this.changed(outcome.event);
    return { outcome, answer };
  }
}

/** The bytes of an entry. */
export function encodeCommand({ command, atMs, by, requestId }: LoggedCommand): Uint8Array {
  return Buffer.from(JSON.stringify({ v: FORM, command, atMs, by, requestId }));
}

/** @throws CacheError BAD_MESSAGE */
export function decodeCommand(data: Uint8Array): LoggedCommand {
  const text = Buffer.from(data.buffer, data.byteOffset, data.length).toString();
  const fields = JsonFields.parse(text, 'the command');
  const form = fields.number('v');
  if (form !== FORM) throw new CacheError('BAD_MESSAGE', `it has the form ${form}; this version knows ${FORM}`);
  const does = fields.fields('command').text('does');
  if (!KNOWN.has(does)) throw new CacheError('BAD_MESSAGE', `this version does not know the command '${does}'`);
  return {
    // Only config servers of this form write to the log, and they write commands that this type has.
    command: fields.any('command') as ConfigCommand,
    atMs: fields.number('atMs'),
    by: fields.text('by'),
    requestId: fields.text('requestId'),
  };
}
