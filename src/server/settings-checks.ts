/**
 * Checks and kinds that only settings of a Redis server need: names of files and hosts, titles, keyspace events.
 * Reasons are Redis' texts.
 */
import { Refusal, single, someOf, type Setting, type Traits } from '../base';

/** A name without a directory; `noun` is the word for it in the reason. */
export function fileName(setting: string, noun: string): (value: string) => string | null {
  return (value) => (/[/\\]/.test(value) ? `${setting} can't be a path, just a ${noun}` : null);
}

/** {@link fileName} that cannot be empty. */
export function neededFileName(setting: string, noun: string): (value: string) => string | null {
  const check = fileName(setting, noun);
  return (value) => (value === '' ? `${setting} can't be empty` : check(value));
}

export function hostName(value: string): string | null {
  if (value.length >= 256) return 'Hostnames must be less than 256 characters';
  return /^[A-Za-z0-9.-]*$/.test(value) ? null : 'Hostnames may only contain alphanumeric characters, hyphens or dots';
}

/** Whether words of `replicaof` say that the node is a master. */
export function isNoOne(words: readonly string[]): boolean {
  return words.length === 2 && words[0].toLowerCase() === 'no' && words[1].toLowerCase() === 'one';
}

/** Words of `replicaof` that name a master. */
export function hostAndPort(words: readonly string[]): string | null {
  if (words.length !== 2) return 'wrong number of arguments';
  return /^\d{1,5}$/.test(words[1]) && Number(words[1]) <= 65535 ? null : 'Invalid master port';
}

/** Words of `oom-score-adj-values`: for a master, a replica, a child. */
export function oomScores(words: readonly string[]): string | null {
  if (words.length !== 3) return 'wrong number of arguments';
  const valid = words.every((word) => /^[+-]?\d{1,5}$/.test(word) && Math.abs(Number(word)) <= 2000);
  return valid ? null : 'Invalid oom-score-adj-values, elements must be between -2000 and 2000.';
}

export function processTitle(value: string): string | null {
  const rest = value.replace(/\{(title|listen-addr|server-mode|port|tls-port|unixsocket|config-file)\}/g, '');
  return /[{}]/.test(rest) ? 'template format is invalid or contains unknown variables' : null;
}

/** Options of `shutdown-on-sigint` and `shutdown-on-sigterm`. */
export function shutdownOptions(traits: Traits): Setting<readonly ('default' | 'save' | 'nosave' | 'now' | 'force')[]> {
  return someOf(['default', 'save', 'nosave', 'now', 'force'], {
    ...traits,
    check: (value) =>
      value.includes('save') && value.includes('nosave')
        ? "shutdown options SAVE and NOSAVE can't be used simultaneously"
        : null,
  });
}

/** Classes that "A" stands for, in the order in which they are shown. */
const EVENTS_OF_ALL = 'g$lshzxetd';
/** Classes beside them: where events go (K, E), misses (m), new keys (n). */
const EVENTS_APART = 'nKEm';

/** Classes of keyspace events by Redis' letters, kept in the order in which Redis shows them: "KEA" becomes "AKE". */
export function keyspaceEvents(traits: Traits): Setting<string> {
  return single(
    '',
    traits,
    (text) => {
      if (!/^[Ag$lshzxeKEtmdn]*$/.test(text)) {
        return new Refusal("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
      }
      const chosen = EVENTS_OF_ALL.split('').filter((letter) => text.includes('A') || text.includes(letter));
      const all = chosen.length === EVENTS_OF_ALL.length;
      return (
        (all ? 'A' : chosen.join('')) +
        EVENTS_APART.split('')
          .filter((letter) => text.includes(letter))
          .join('')
      );
    },
    (value) => value,
    (value) => JSON.stringify(value),
  );
}
