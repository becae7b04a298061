/**
 * Atomic batches across keys: one command, so all of it took effect or nothing, at one moment. Keys are judged one by one, so what one key proves about
 * an atomic batch whose answer was lost has to be told to its other keys: once anybody saw a part of it, all of it had happened.
 */
import type { Operation } from './history.ts'

/** The same operations; those of which another key proves that they took effect say by when. */
export function settleAtomicBatches(operations: readonly Operation[]): readonly Operation[] {
  const batchOfValue = new Map<string, string>()
  const writers = new Map<string, number>()
  for (const { action, outcome, batch } of operations) {
    if (action.kind !== 'put') continue
    writers.set(action.value, (writers.get(action.value) ?? 0) + 1)
    if (outcome.kind === 'unknown' && batch?.atomic === true) batchOfValue.set(action.value, batch.id)
  }
  if (batchOfValue.size === 0) return operations
  const seenByMs = new Map<string, number>()
  for (const { outcome, returnedMs } of operations) {
    if (outcome.kind !== 'read' || outcome.found === undefined) continue
    const value = outcome.found.value
    const batch = writers.get(value) === 1 ? batchOfValue.get(value) : undefined
    if (batch !== undefined) seenByMs.set(batch, Math.min(seenByMs.get(batch) ?? Number.POSITIVE_INFINITY, returnedMs))
  }
  return operations.map((operation) => {
    const { batch, outcome, action } = operation
    if (outcome.kind !== 'unknown' || batch?.atomic !== true || action.kind === 'get') return operation
    const byMs = seenByMs.get(batch.id)
    return byMs === undefined ? operation : { ...operation, outcome: { kind: 'unknown', happenedByMs: byMs } }
  })
}
