/**
 * JsonFields: an object of JSON of which nothing is known, read field by field.
 *
 * What is missing or of another type is a CacheError BAD_MESSAGE that names the place; what nobody asks for is passed over, so that a newer
 * version may add to it.
 */
import { CacheError } from '../base';

export class JsonFields {
  private readonly source: Readonly<Record<string, unknown>>;

  /** @param place names the object for people */
  constructor(
    source: unknown,
    private readonly place: string,
  ) {
    if (typeof source !== 'object' || source === null || Array.isArray(source)) throw malformed(place, 'an object');
    this.source = source as Readonly<Record<string, unknown>>;
  }

  static parse(text: string, place: string): JsonFields {
    let source: unknown;
    try {
      source = JSON.parse(text);
    } catch (cause) {
      throw new CacheError('BAD_MESSAGE', `${place} is not JSON`, { cause });
    }
    return new JsonFields(source, place);
  }

  has(name: string): boolean {
    return Object.hasOwn(this.source, name);
  }

  any(name: string): unknown {
    return this.has(name) ? this.source[name] : undefined;
  }

  text(name: string): string {
    const value = this.any(name);
    return typeof value === 'string' ? value : this.fail(name, 'text');
  }

  /** One of these words. */
  word(name: string, words: readonly string[]): string {
    const text = this.text(name);
    return words.includes(text) ? text : this.fail(name, `one of ${words.join(', ')}`);
  }

  number(name: string): number {
    const value = this.any(name);
    return typeof value === 'number' ? value : this.fail(name, 'a number');
  }

  fields(name: string): JsonFields {
    return new JsonFields(this.any(name), `${this.place}.${name}`);
  }

  /** A list of objects. */
  items(name: string): JsonFields[] {
    return this.list(name).map((item, at) => new JsonFields(item, `${this.place}.${name}[${at}]`));
  }

  texts(name: string): string[] {
    return this.list(name).map((item) => (typeof item === 'string' ? item : this.fail(name, 'a list of texts')));
  }

  numbers(name: string): number[] {
    return this.list(name).map((item) => (typeof item === 'number' ? item : this.fail(name, 'a list of numbers')));
  }

  private list(name: string): readonly unknown[] {
    const value = this.any(name);
    return Array.isArray(value) ? value : this.fail(name, 'a list');
  }

  private fail(name: string, what: string): never {
    throw malformed(`${this.place}.${name}`, what);
  }
}

function malformed(place: string, what: string): CacheError {
  return new CacheError('BAD_MESSAGE', `${place} is not ${what}`);
}
