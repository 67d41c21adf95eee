/**
 * Failure: why cachectl ends with another exit code than 0, in one line for people.
 */

/** Exit codes. `refused`: it was answered with an error, or what became of it is unknown; `unreachable`: no config server could decide. */
export const EXIT = { done: 0, refused: 1, usage: 2, unreachable: 3 } as const;

export class Failure extends Error {
  constructor(
    readonly exitCode: (typeof EXIT)[keyof typeof EXIT],
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
