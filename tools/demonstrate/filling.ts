/** Fills a range with values of mixed sizes, in batches, several at a time; and empties it again. */
import { FlotillaError } from '../../src/protocol/index.ts'
import { delay } from '../cluster/poll.ts'
import { megabytes, type Stage } from './stage.ts'

/** Most values are small, most bytes are in large ones, as in real stores. */
const SIZES = [100, 100, 300, 1_000, 1_000, 4_000, 16_000, 64_000] as const
const BATCH_BYTES = 512 * 1024
const BATCH_OPS_MAX = 500
const WRITERS = 4
const READ_KEYS = 100
const TIMEOUT_MS = 60_000
/** What was refused is sent again so often, with a pause in between: five minutes are more than any moment without a leader. */
const ATTEMPTS_MAX = 300
const PAUSE_MS = 1_000

type Operation =
  | { readonly op: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly op: 'delete'; readonly key: string }

export function fillingKey(number: number): string {
  // Spread over the range, so that shards grow everywhere at once.
  const spread = Math.imul(number, 0x9e3779b1) >>> 0
  return `fill/${spread.toString(16).padStart(8, '0')}`
}

/** Writes until `bytes` are there. Answers how many keys that were. What fails is a failure of the demonstration. */
export async function fill(stage: Stage, bytes: number, first = 0): Promise<number> {
  let written = 0
  let number = first
  const writer = async (): Promise<void> => {
    while (written < bytes) {
      const operations: Operation[] = []
      let batchBytes = 0
      while (batchBytes < BATCH_BYTES && operations.length < BATCH_OPS_MAX && written + batchBytes < bytes) {
        const size = SIZES[number % SIZES.length] ?? 100
        operations.push({ op: 'put', key: fillingKey(number), value: noise(size, number) })
        number++
        batchBytes += size
      }
      written += batchBytes
      stage.waitingFor(() => `${megabytes(written)} of ${megabytes(bytes)} written`)
      await apply(stage, operations)
    }
  }
  await Promise.all(Array.from({ length: WRITERS }, writer))
  return number
}

/** Reads one in `every` of the filling of numbers below `last` that `isThere`, and claims that each is what was written. */
export async function verify(stage: Stage, last: number, every: number, isThere = (_: number) => true): Promise<void> {
  const numbers: number[] = []
  for (let number = 0; number < last; number += every) if (isThere(number)) numbers.push(number)
  const wrong: string[] = []
  for (let from = 0; from < numbers.length; from += READ_KEYS) {
    const some = numbers.slice(from, from + READ_KEYS)
    const values = await stage.client.getMany(some.map(fillingKey), { timeout: TIMEOUT_MS })
    for (const [i, number] of some.entries()) {
      const value = values[i]
      const expected = noise(SIZES[number % SIZES.length] ?? 100, number)
      if (value === undefined || Buffer.compare(value, expected) !== 0) wrong.push(fillingKey(number))
    }
    stage.waitingFor(() => `${from} of ${numbers.length} keys read`)
  }
  stage.claim(
    wrong.length === 0,
    `${numbers.length} keys of the filling read: ${wrong.length} not as written ${wrong.slice(0, 3).join(' ')}`,
  )
}

/** Deletes all filling of numbers below `last` but one in `keepOneIn`. */
export async function empty(stage: Stage, last: number, keepOneIn: number): Promise<void> {
  for (let from = 0; from < last; from += BATCH_OPS_MAX) {
    const operations: Operation[] = []
    for (let number = from; number < Math.min(last, from + BATCH_OPS_MAX); number++)
      if (number % keepOneIn !== 0) operations.push({ op: 'delete', key: fillingKey(number) })
    await apply(stage, operations)
  }
}

/**
 * Does all of it, once or more often: each operation leaves the same behind however often it is done. That a store has more to do than it can is no
 * failure of whoever fills it as fast as it can; everything else is.
 */
async function apply(stage: Stage, operations: readonly Operation[]): Promise<void> {
  let rest = operations
  for (let attempt = 1; rest.length > 0; attempt++) {
    const failed = await refused(stage, rest)
    const [first] = failed
    if (first === undefined) return
    if (first.error.code !== 'OVERLOADED')
      stage.claim(
        false,
        `${failed.length} operations of the filling failed: ${first.error.code} ${first.error.message}`,
      )
    if (attempt === ATTEMPTS_MAX) throw new Error(`the filling does not go on: ${first.error.message}`)
    rest = failed.map(({ operation }) => operation)
    await delay(PAUSE_MS)
  }
}

interface Refused {
  readonly operation: Operation
  readonly error: { readonly code: string; readonly message: string }
}

async function refused(stage: Stage, operations: readonly Operation[]): Promise<readonly Refused[]> {
  try {
    const results = await stage.client.batch(operations, { atomic: false, timeout: TIMEOUT_MS })
    return operations.flatMap((operation, place) => {
      const result = results[place]
      return result === undefined || result.ok ? [] : [{ operation, error: result.error }]
    })
  } catch (error) {
    if (!(error instanceof FlotillaError)) throw error
    // The whole batch was refused or lost.
    return operations.map((operation) => ({ operation, error }))
  }
}

/** Bytes that do not compress well, made fast. */
function noise(size: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(size)
  let state = (seed + 1) >>> 0
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}
