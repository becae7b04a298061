/**
 * Assertions that stay on in production. They guard invariants, never user input: a failed one means the program is
 * wrong, so the process must not go on. Nothing catches an AssertionFailure on purpose.
 */
export class AssertionFailure extends Error {
  override readonly name = 'AssertionFailure'
}

/** Throws AssertionFailure unless `condition` holds. Put the numbers that disagree into `message`. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionFailure(message)
}

/** Returns `value`, which an invariant says is present. */
export function present<T>(value: T | undefined | null, what: string): T {
  if (value === undefined || value === null) throw new AssertionFailure(`${what} is missing`)
  return value
}

/** Marks a `switch` as exhaustive: the compiler refuses a case that can reach it. */
export function unreachable(value: never): never {
  throw new AssertionFailure(`unreachable case: ${JSON.stringify(value)}`)
}
