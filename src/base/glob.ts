/**
 * Redis' glob patterns over bytes: what KEYS, SCAN MATCH, CONFIG GET, PSUBSCRIBE and ACL mean by a pattern.
 *
 *   *       any run of bytes, also none        [abc]   one of these      [a-z]  a range, either way round
 *   ?       any one byte                       [^a]    none of these     \x     x itself, also within brackets
 *
 * Redis' corner cases are kept, because clients see them: a bracket that is never closed ends with the pattern; "[a-]"
 * is a range up to "]" in a bracket that never closes; an escaped byte within brackets keeps its case even where case
 * is ignored; and no pattern but the empty one matches an empty text, not even "*" (KEYS and SCAN treat a lone "*" apart).
 *
 * Every element but "*" takes exactly one byte, so only the last "*" ever needs another try: time is at most
 * pattern × text, with no recursion, where the textbook way needs exponential time for "a*a*a*a*b".
 */
const STAR = 42;
const HYPHEN = 45;
const QUESTION = 63;
const OPEN = 91;
const BACKSLASH = 92;
const CLOSE = 93;
const CARET = 94;

/** Whether the whole of `text[tStart, tEnd)` matches `pattern[pStart, pEnd)`; `ignoreCase` folds ASCII letters only. */
export function globMatch(
  pattern: Uint8Array,
  pStart: number,
  pEnd: number,
  text: Uint8Array,
  tStart: number,
  tEnd: number,
  ignoreCase: boolean,
): boolean {
  if (tStart === tEnd) return pStart === pEnd;
  let p = pStart;
  let t = tStart;
  let afterStar = -1;
  let retryAt = 0;
  while (t < tEnd) {
    if (p < pEnd && pattern[p] === STAR) {
      do p++;
      while (p < pEnd && pattern[p] === STAR);
      if (p === pEnd) return true;
      afterStar = p;
      retryAt = t;
      continue;
    }
    if (p < pEnd && elementMatches(pattern, p, pEnd, text[t], ignoreCase)) {
      p = elementEnd(pattern, p, pEnd);
      t++;
      continue;
    }
    if (afterStar === -1) return false;
    p = afterStar;
    t = ++retryAt;
  }
  while (p < pEnd && pattern[p] === STAR) p++;
  return p === pEnd;
}

/** Whether the text has a byte with a meaning of its own in a pattern ("*", "?" or "["): what CONFIG GET goes by. */
export function isGlob(pattern: Uint8Array): boolean {
  return pattern.includes(STAR) || pattern.includes(QUESTION) || pattern.includes(OPEN);
}

/** Whether `byte` matches the one element of the pattern, not a star, that begins at `p`. */
function elementMatches(pattern: Uint8Array, p: number, pEnd: number, byte: number, ignoreCase: boolean): boolean {
  const first = pattern[p];
  if (first === QUESTION) return true;
  if (first === OPEN) return bracketMatches(pattern, p + 1, pEnd, byte, ignoreCase);
  const literal = first === BACKSLASH && p + 1 < pEnd ? pattern[p + 1] : first;
  return literal === byte || (ignoreCase && lower(literal) === lower(byte));
}

/** Where the element that begins at `p` ends. */
function elementEnd(pattern: Uint8Array, p: number, pEnd: number): number {
  const first = pattern[p];
  if (first === BACKSLASH && p + 1 < pEnd) return p + 2;
  if (first !== OPEN) return p + 1;
  p++;
  if (p < pEnd && pattern[p] === CARET) p++;
  while (p < pEnd && pattern[p] !== CLOSE) p = memberEnd(pattern, p, pEnd);
  return p < pEnd ? p + 1 : pEnd;
}

function bracketMatches(pattern: Uint8Array, p: number, pEnd: number, byte: number, ignoreCase: boolean): boolean {
  const negated = p < pEnd && pattern[p] === CARET;
  if (negated) p++;
  const folded = ignoreCase ? lower(byte) : byte;
  while (p < pEnd && pattern[p] !== CLOSE) {
    const end = memberEnd(pattern, p, pEnd);
    if (end === p + 1) {
      if ((ignoreCase ? lower(pattern[p]) : pattern[p]) === folded) return !negated;
    } else if (end === p + 2) {
      if (pattern[p + 1] === byte) return !negated;
    } else {
      // Turned round first and folded then, as in Redis: it matters for ranges like "[Z-a]".
      let low = Math.min(pattern[p], pattern[p + 2]);
      let high = Math.max(pattern[p], pattern[p + 2]);
      if (ignoreCase) {
        low = lower(low);
        high = lower(high);
      }
      if (folded >= low && folded <= high) return !negated;
    }
    p = end;
  }
  return negated;
}

/** Where the member of a bracket at `p` ends: one byte for itself, two for an escaped byte, three for a range. */
function memberEnd(pattern: Uint8Array, p: number, pEnd: number): number {
  if (pattern[p] === BACKSLASH && p + 1 < pEnd) return p + 2;
  if (p + 2 < pEnd && pattern[p + 1] === HYPHEN) return p + 3;
  return p + 1;
}

function lower(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte | 32 : byte;
}
