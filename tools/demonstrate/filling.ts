/** Fills a range with values of mixed sizes, in batches, several at a time; and empties it again. */
import { megabytes, type Stage } from './stage.ts'

/** Most values are small, most bytes are in large ones, as in real stores. */
const SIZES = [100, 100, 300, 1_000, 1_000, 4_000, 16_000, 64_000] as const
const BATCH_BYTES = 512 * 1024
const BATCH_OPS_MAX = 500
const WRITERS = 4
const READ_KEYS = 100

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
      const operations: { op: 'put'; key: string; value: Uint8Array }[] = []
      let batchBytes = 0
      while (batchBytes < BATCH_BYTES && operations.length < BATCH_OPS_MAX && written + batchBytes < bytes) {
        const size = SIZES[number % SIZES.length] ?? 100
        operations.push({ op: 'put', key: fillingKey(number), value: noise(size, number) })
        number++
        batchBytes += size
      }
      written += batchBytes
      stage.waitingFor(() => `${megabytes(written)} of ${megabytes(bytes)} written`)
      for (const result of await stage.client.batch(operations, { atomic: false, timeout: 30_000 }))
        if (!result.ok) stage.claim(false, `a write while filling: ${result.error.code} ${result.error.message}`)
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
    const values = await stage.client.getMany(some.map(fillingKey), { timeout: 30_000 })
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
    const operations = []
    for (let number = from; number < Math.min(last, from + BATCH_OPS_MAX); number++)
      if (number % keepOneIn !== 0) operations.push({ op: 'delete' as const, key: fillingKey(number) })
    for (const result of await stage.client.batch(operations, { atomic: false, timeout: 30_000 }))
      if (!result.ok) stage.claim(false, `a delete: ${result.error.code} ${result.error.message}`)
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
