/**
 * Violation: a promise was broken in a simulation. `rule` is the name of the invariant (R1 … R10, F1 … F6, C1 … C6: the
 * checks of each stage say what they are), 'liveness' where something pending did not finish, 'assertion' where the code under test stopped itself.
 */
export class Violation extends Error {
  override readonly name = 'Violation';

  constructor(
    readonly rule: string,
    message: string,
  ) {
    super(`${rule}: ${message}`);
  }
}

/** Throws a Violation unless the promise is kept. */
export function demand(isKept: boolean, rule: string, message: () => string): asserts isKept {
  if (!isKept) throw new Violation(rule, message());
}
