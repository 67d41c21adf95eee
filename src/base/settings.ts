/**
 * Settings: the options of a daemon, from a table that declares each of them once.
 *
 * Values come from the defaults, then a configuration file, then the command line, then clients (CONFIG SET). Whoever needs
 * one reads `settings.values['timeout']`, typed by the table; whoever must act on a change asks for it by `onChange`, and
 * whoever needs one per command keeps a copy of its own, as the lookup is by name.
 *
 * A change by a client is all or nothing: every word is checked before the first value is touched, and listeners hear of
 * it after all values are in place. Replies, down to their order of precedence, are those of Redis 7.
 */
import { CacheError } from './errors';
import { globMatch, isGlob } from './glob';
import { Refusal, type Setting } from './settings-kinds';

export type SettingsTable = Readonly<Record<string, Setting<unknown>>>;

/** The values of a table, by name. */
export type SettingsValues<Table extends SettingsTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Setting<infer Value> ? Value : never;
};

/** Values as a program gives them: typed, or as text in the spelling of the configuration file ("64mb"). */
export type SettingsInput<Table extends SettingsTable> = {
  readonly [Name in keyof Table]?: SettingsValues<Table>[Name] | string;
};

/** Where a value came from. A value from 'default' replaces the table's default. */
export type SettingSource = 'default' | 'file' | 'line' | 'client';

/** What CONFIG SET says for names that are no settings, and a configuration file for whole lines. */
export const BAD_DIRECTIVE = 'Bad directive or wrong number of arguments';

interface Entry {
  readonly name: string;
  readonly setting: Setting<unknown>;
  readonly listeners: Set<(value: unknown, before: unknown) => void>;
  guard: ((value: unknown) => string | null) | null;
  plan: Plan | null;
  initial: unknown;
  source: SettingSource;
}

/** Judges values that are about to be set: the reason to refuse them, or what is to be done once they are in place. */
type Plan = (proposed: Readonly<Record<string, unknown>>) => string | (() => void);

interface Change {
  readonly entry: Entry;
  readonly shownName: string;
  readonly text: string;
}

export class Settings<Table extends SettingsTable = SettingsTable> {
  /** The present values; the same object always. */
  readonly values: SettingsValues<Table>;
  private readonly store: Record<string, unknown> = {};
  /** By lower-case name and alias, in the order of the table. */
  private readonly entries = new Map<string, Entry>();

  constructor(readonly table: Table) {
    for (const [name, setting] of Object.entries(table)) {
      const entry: Entry = {
        name,
        setting,
        listeners: new Set(),
        guard: null,
        plan: null,
        initial: setting.initial,
        source: 'default',
      };
      this.entries.set(name, entry);
      if (setting.traits.alias !== undefined) this.entries.set(setting.traits.alias, entry);
      this.store[name] = setting.initial;
    }
    this.values = this.store as SettingsValues<Table>;
  }

  /** Every name by which a setting can be asked for, aliases too. */
  get names(): readonly string[] {
    return [...this.entries.keys()];
  }

  /** The name in the table for a name or alias in any case; null where there is no such setting. */
  canonicalName(name: string): string | null {
    return this.entries.get(name.toLowerCase())?.name ?? null;
  }

  /** The value as CONFIG GET shows it; null where there is no such setting. */
  getText(name: string): string | null {
    const entry = this.entries.get(name.toLowerCase());
    return entry === undefined ? null : entry.setting.format(this.store[entry.name]);
  }

  /** Where the present value came from. */
  sourceOf(name: keyof Table & string): SettingSource {
    return this.entry(name).source;
  }

  /** The value that stands where nobody gave another. */
  initialOf(name: keyof Table & string): unknown {
    return this.entry(name).initial;
  }

  /** Whether the value of this setting must not be shown in logs. */
  isSensitive(name: string): boolean {
    return this.entries.get(name.toLowerCase())?.setting.traits.sensitive === true;
  }

  /** Names of settings that somebody changed though nothing acts on them: worth a warning at the start. */
  inertInUse(): string[] {
    const names: string[] = [];
    for (const name of Object.keys(this.table)) {
      const { setting, initial, source } = this.entry(name);
      if (setting.traits.inert !== true || source === 'default') continue;
      if (setting.format(this.store[name]) !== setting.format(initial)) names.push(name);
    }
    return names;
  }

  /** Sets one value from words, whatever its traits. Returns null, or the reason in Redis' words, without "ERR". */
  set(name: string, words: readonly string[], source: SettingSource): string | null {
    const entry = this.entries.get(name.toLowerCase());
    if (entry === undefined) return BAD_DIRECTIVE;
    if (!entry.setting.takesWords && words.length !== 1) return 'wrong number of arguments';
    const repeated = entry.source === 'file' || entry.source === 'line';
    // One word in quotes may be several: `save "900 1"`.
    const given = entry.setting.takesWords && words.length === 1 && words[0] !== '' ? words[0].split(' ') : words;
    const value = entry.setting.parse(given, this.store[entry.name], repeated);
    if (value instanceof Refusal) return value.reason;
    if (source === 'default') entry.initial = value;
    this.place(entry, value, source);
    return null;
  }

  /** Sets values from a program. @throws CacheError BAD_SETTING: no such setting, or a value it cannot have. */
  assign(input: SettingsInput<Table>): void {
    for (const [name, value] of Object.entries(input)) {
      if (value === undefined) continue;
      const entry = this.entries.get(name);
      if (entry === undefined) throw new CacheError('BAD_SETTING', `there is no setting '${name}'`);
      const shown = typeof value === 'string' ? value : entry.setting.format(value);
      const parsed = this.parseText(entry, shown);
      if (parsed instanceof Refusal) throw new CacheError('BAD_SETTING', `setting '${name}': ${parsed.reason}`);
      this.place(entry, parsed, 'line');
    }
  }

  /**
   * CONFIG SET: names and values in turn. Returns null when all are set; otherwise nothing is, and the error reply is
   * returned, "ERR" included. `allowProtected`: this client may change protected settings.
   */
  change(pairs: readonly string[], allowProtected: boolean): string | null {
    if (pairs.length % 2 !== 0) return 'ERR syntax error';
    const changes: Change[] = [];
    const seen = new Set<string>();
    for (let i = 0; i < pairs.length; i += 2) {
      const shownName = pairs[i].toLowerCase();
      const entry = this.entries.get(shownName);
      if (entry === undefined) {
        return `ERR Unknown option or number of arguments for CONFIG SET - '${pairs[i]}'`;
      }
      const { immutable = false, protected: isProtected = false } = entry.setting.traits;
      if (immutable) return changeFailed(pairs[i], "can't set immutable config");
      if (isProtected && !allowProtected) return changeFailed(pairs[i], "can't set protected config");
      if (seen.has(shownName)) return changeFailed(pairs[i], 'duplicate parameter');
      seen.add(shownName);
      changes.push({ entry, shownName, text: pairs[i + 1] });
    }
    const values: unknown[] = [];
    for (const { entry, shownName, text } of changes) {
      const value = this.parseText(entry, text);
      if (value instanceof Refusal) return changeFailed(shownName, value.reason);
      values.push(value);
    }
    for (const [i, { entry, shownName }] of changes.entries()) {
      const reason = entry.guard === null ? null : entry.guard(values[i]);
      if (reason !== null) return changeFailed(shownName, reason);
    }
    const proposed = { ...this.store };
    changes.forEach(({ entry }, i) => (proposed[entry.name] = values[i]));
    const deeds = new Map<Plan, () => void>();
    for (const { entry, shownName } of changes) {
      if (entry.plan === null || deeds.has(entry.plan)) continue;
      const answer = entry.plan(proposed);
      if (typeof answer === 'string') return changeFailed(shownName, answer);
      deeds.set(entry.plan, answer);
    }
    const before = changes.map(({ entry }) => this.store[entry.name]);
    changes.forEach(({ entry }, i) => {
      this.store[entry.name] = values[i];
      entry.source = 'client';
    });
    for (const carryOut of deeds.values()) carryOut();
    changes.forEach(({ entry }, i) => announce(entry, values[i], before[i]));
    return null;
  }

  /** CONFIG GET: names with their texts, each once, for patterns (in any case) and exact names (shown as they were asked for). */
  match(patterns: readonly string[]): [name: string, text: string][] {
    const found = new Map<string, [string, string]>();
    const take = (name: string, entry: Entry): void => {
      const key = name.toLowerCase();
      if (!found.has(key)) found.set(key, [name, entry.setting.format(this.store[entry.name])]);
    };
    for (const pattern of patterns) {
      const bytes = Buffer.from(pattern);
      const exact = this.entries.get(pattern.toLowerCase());
      if (exact !== undefined) take(pattern, exact);
      if (!isGlob(bytes)) continue;
      for (const [name, entry] of this.entries) {
        const text = Buffer.from(name);
        if (globMatch(bytes, 0, bytes.length, text, 0, text.length, true)) take(name, entry);
      }
    }
    return [...found.values()];
  }

  /** Calls `listener` after each change of the value. Returns the function that ends it. */
  onChange<Name extends keyof Table & string>(
    name: Name,
    listener: (value: SettingsValues<Table>[Name], before: SettingsValues<Table>[Name]) => void,
  ): () => void {
    const { listeners } = this.entry(name);
    const untyped = listener as (value: unknown, before: unknown) => void;
    listeners.add(untyped);
    return () => void listeners.delete(untyped);
  }

  /**
   * Lets `guard` refuse changes by clients, for what a value alone does not tell (a directory must be there): it returns the
   * reason, or null, before anything is changed. One per setting.
   */
  guard<Name extends keyof Table & string>(
    name: Name,
    guard: (value: SettingsValues<Table>[Name]) => string | null,
  ): void {
    this.entry(name).guard = guard as (value: unknown) => string | null;
  }

  /**
   * Lets `plan` judge these settings together whenever clients set any of them, be it to the same value: it is shown all values
   * as they would be, and returns the reason to refuse them, or what is to be done once they are in place. One per setting.
   */
  judgeTogether(
    names: readonly (keyof Table & string)[],
    plan: (proposed: SettingsValues<Table>) => string | (() => void),
  ): void {
    for (const name of names) this.entry(name).plan = plan as Plan;
  }

  private entry(name: string): Entry {
    const entry = this.entries.get(name);
    if (entry === undefined) throw new CacheError('BAD_SETTING', `there is no setting '${name}'`);
    return entry;
  }

  /** A value from one text, as CONFIG SET has it: words are divided by single blanks, quotes mean nothing. */
  private parseText(entry: Entry, text: string): unknown {
    const words = !entry.setting.takesWords ? [text] : text === '' ? [] : text.split(' ');
    return entry.setting.parse(words, this.store[entry.name], false);
  }

  private place(entry: Entry, value: unknown, source: SettingSource): void {
    const before = this.store[entry.name];
    this.store[entry.name] = value;
    entry.source = source;
    announce(entry, value, before);
  }
}

function announce(entry: Entry, value: unknown, before: unknown): void {
  if (entry.setting.format(value) === entry.setting.format(before)) return;
  for (const listener of entry.listeners) listener(value, before);
}

function changeFailed(name: string, reason: string): string {
  return `ERR CONFIG SET failed (possibly related to argument '${name}') - ${reason}`;
}
