/**
 * What a simulated client can ask for: each kind of operation knows how to draw one, how to perform it on a router and what to write into the
 * history for each way it can end. The list at the end is the workload; a new kind of request gets a row there.
 */
import type { Key } from '../../shard-map/index.ts'
import { assert, bytesToLatin1, latin1ToBytes } from '../base/index.ts'
import type { KvCondition, KvOperation, KvOperationResult } from '../machine/index.ts'
import { FlotillaError } from '../protocol/index.ts'
import type { BatchItemAnswer, Router } from '../router/index.ts'
import type { Action, Condition, Operation, Outcome } from './check/index.ts'
import type { Recorder } from './recorder.ts'
import type { SeededRandom } from './seeded-random.ts'

/** What an operation is drawn from. */
export interface DrawContext {
  readonly client: string
  readonly keys: readonly Key[]
  readonly random: SeededRandom
  /** The last revision this client saw of a key. */
  readonly seen: Map<Key, number>
  /** A value that nobody else writes. */
  readonly newValue: () => string
  /** A name that no other batch has. */
  readonly newBatch: () => string
}

/** When the operation was called and when it ended, in virtual milliseconds. */
export interface Span {
  readonly calledMs: number
  readonly returnedMs: number
}

/** One operation, drawn and ready. */
export interface PlannedOperation {
  /** For traces. */
  readonly text: string
  /** For the report. */
  readonly kind: string
  readonly keys: readonly Key[]
  /** Rejects with a FlotillaError. The answer goes to `ended`. */
  perform(router: Router, timeoutMs: number): Promise<unknown>
  /** Writes down how it ended: with an answer, with an error, or with neither (undefined: nobody will ever know). */
  ended(recorder: Recorder, span: Span, end: OperationEnd): void
}

export type OperationEnd =
  | { readonly kind: 'answer'; readonly answer: unknown }
  | { readonly kind: 'error'; readonly error: FlotillaError }
  | { readonly kind: 'lost' }

export interface OperationKind {
  readonly weight: number
  draw(context: DrawContext): PlannedOperation
}

/** Bytes after this sign only make a value long. */
const PADDING = '|'

function encodeValue(text: string, random: SeededRandom): Uint8Array {
  const padding = random.chance(30) ? random.below(8_000) : random.below(40)
  return latin1ToBytes(`${text}${PADDING}${'x'.repeat(padding)}`)
}

function decodeValue(bytes: Uint8Array): string {
  const text = bytesToLatin1(bytes)
  return text.slice(0, text.indexOf(PADDING))
}

function pickKey({ keys, random }: DrawContext): Key {
  const key = random.pick(keys)
  assert(key !== undefined, 'a workload has keys')
  return key
}

function drawCondition(context: DrawContext, key: Key): Condition {
  const revision = context.seen.get(key)
  const roll = context.random.below(100)
  if (roll < 12) return { kind: 'absent' }
  if (roll < 18) return { kind: 'exists' }
  if (roll < 40 && revision !== undefined) return { kind: 'revision', revision }
  return { kind: 'none' }
}

/** What an error says of a write: certainly nothing, or nobody knows. */
function failedOutcome(end: OperationEnd): Outcome {
  return end.kind === 'error' && end.error.outcome === 'none' ? { kind: 'none' } : { kind: 'unknown' }
}

function outcomeOf(result: KvOperationResult): Outcome {
  switch (result.kind) {
    case 'put':
      return { kind: 'written', revision: result.revision }
    case 'delete':
      return result.deleted
        ? { kind: 'deleted', existed: true, revision: result.revision }
        : { kind: 'deleted', existed: false }
    case 'get':
      return {
        kind: 'read',
        found: result.found ? { value: decodeValue(result.value), revision: result.revision } : undefined,
      }
    case 'condition-failed':
      return { kind: 'refused', revision: result.revision }
  }
}

function noteSeen(context: DrawContext, key: Key, outcome: Outcome): void {
  if (outcome.kind === 'written') context.seen.set(key, outcome.revision)
  else if (outcome.kind === 'read' && outcome.found !== undefined) context.seen.set(key, outcome.found.revision)
  else if (outcome.kind === 'refused' && outcome.revision !== undefined) context.seen.set(key, outcome.revision)
}

function single(
  context: DrawContext,
  key: Key,
  action: Action,
  perform: (router: Router, timeoutMs: number) => Promise<Outcome>,
): PlannedOperation {
  const isConditional = action.kind !== 'get' && action.condition.kind !== 'none'
  const condition = action.kind === 'get' ? '' : ` ${action.condition.kind}`
  return {
    kind: isConditional ? `conditional-${action.kind}` : action.kind,
    text: `${action.kind} ${key}${action.kind === 'put' ? ` ${action.value}` : ''}${condition}`,
    keys: [key],
    perform,
    ended(recorder, span, end) {
      const outcome = end.kind === 'answer' ? (end.answer as Outcome) : failedOutcome(end)
      noteSeen(context, key, outcome)
      recorder.operation({ client: context.client, key, action, ...span, outcome })
    },
  }
}

const GET: OperationKind = {
  weight: 30,
  draw(context) {
    const key = pickKey(context)
    return single(context, key, { kind: 'get' }, async (router, timeoutMs) => {
      const { found } = await router.get(key, { timeoutMs, consistency: 'linearizable' })
      return {
        kind: 'read',
        found: found === undefined ? undefined : { value: decodeValue(found.value), revision: found.revision },
      }
    })
  },
}

const PUT: OperationKind = {
  weight: 36,
  draw(context) {
    const key = pickKey(context)
    const text = context.newValue()
    const condition = drawCondition(context, key)
    const value = encodeValue(text, context.random)
    return single(context, key, { kind: 'put', value: text, condition }, async (router, timeoutMs) => {
      const { result } = await router.put(key, value, condition as KvCondition, { timeoutMs })
      return outcomeOf(result)
    })
  },
}

const DELETE: OperationKind = {
  weight: 10,
  draw(context) {
    const key = pickKey(context)
    const condition = drawCondition(context, key)
    return single(context, key, { kind: 'delete', condition }, async (router, timeoutMs) => {
      const { result } = await router.delete(key, condition as KvCondition, { timeoutMs })
      return outcomeOf(result)
    })
  },
}

const STALE_GET: OperationKind = {
  weight: 8,
  draw(context) {
    const key = pickKey(context)
    return {
      text: `stale get ${key}`,
      kind: 'stale-get',
      keys: [key],
      perform: (router, timeoutMs) => router.get(key, { timeoutMs, consistency: 'stale' }),
      ended(recorder, span, end) {
        if (end.kind !== 'answer') return
        const { found, stalenessMs } = end.answer as Awaited<ReturnType<Router['get']>>
        recorder.staleRead({
          client: context.client,
          key,
          ...span,
          found: found === undefined ? undefined : { value: decodeValue(found.value), revision: found.revision },
          stalenessMs,
        })
      },
    }
  },
}

const SCAN: OperationKind = {
  weight: 6,
  draw(context) {
    const { random } = context
    const [one, other] = [pickKey(context), pickKey(context)]
    const start = random.chance(300) ? '' : one < other ? one : other
    const end = random.chance(300) || one === other ? undefined : one < other ? other : one
    const request = {
      start,
      end,
      reverse: random.chance(400),
      keysOnly: random.chance(200),
      itemsMax: random.between(1, 12),
      consistency: random.chance(250) ? ('stale' as const) : ('linearizable' as const),
    }
    const isStale = request.consistency === 'stale'
    return {
      text: `${isStale ? 'stale ' : ''}scan ${start}..${end ?? ''}${request.reverse ? ' reverse' : ''}`,
      kind: isStale ? 'stale-scan' : 'scan',
      keys: [],
      perform: (router, timeoutMs) => router.scan(request, { timeoutMs }),
      ended(recorder, span, ending) {
        if (ending.kind !== 'answer') return
        const { items, next, stalenessMs } = ending.answer as Awaited<ReturnType<Router['scan']>>
        recorder.page({
          client: context.client,
          start,
          end,
          reverse: request.reverse,
          itemsMax: request.itemsMax,
          ...span,
          items: items.map(({ key, value, revision }) => ({
            key,
            value: request.keysOnly ? undefined : decodeValue(value),
            revision,
          })),
          next,
          // An age that is rounded to nothing is an age all the same.
          stalenessMs: isStale ? Math.max(1, stalenessMs) : stalenessMs,
        })
      },
    }
  },
}

const BATCH: OperationKind = {
  weight: 8,
  draw: (context) => drawBatch(context, false),
}

const ATOMIC_BATCH: OperationKind = {
  weight: 4,
  draw: (context) => drawBatch(context, true),
}

function drawBatch(context: DrawContext, atomic: boolean): PlannedOperation {
  const { random } = context
  const actions: { key: Key; action: Action; operation: KvOperation }[] = []
  // Neighbours more often than not share a shard, which an atomic batch needs.
  const first = random.below(context.keys.length)
  const count = random.between(2, 4)
  for (let i = 0; i < count; i++) {
    const key = atomic
      ? (context.keys[Math.min(context.keys.length - 1, first + random.below(2))] as Key)
      : pickKey(context)
    const roll = random.below(10)
    if (roll < 3) {
      actions.push({ key, action: { kind: 'get' }, operation: { kind: 'get', key } })
    } else if (roll < 5) {
      const condition = drawCondition(context, key)
      actions.push({
        key,
        action: { kind: 'delete', condition },
        operation: { kind: 'delete', key, condition: condition as KvCondition },
      })
    } else {
      const condition = drawCondition(context, key)
      const value = context.newValue()
      actions.push({
        key,
        action: { kind: 'put', value, condition },
        operation: { kind: 'put', key, value: encodeValue(value, random), condition: condition as KvCondition },
      })
    }
  }
  const id = context.newBatch()
  return {
    kind: atomic ? 'atomic-batch' : 'batch',
    text: `${atomic ? 'atomic ' : ''}batch ${actions.map(({ key, action }) => `${action.kind} ${key}`).join(', ')}`,
    keys: actions.map(({ key }) => key),
    perform: (router, timeoutMs) =>
      router.batch(
        actions.map(({ operation }) => operation),
        { timeoutMs, atomic },
      ),
    ended(recorder, span, end) {
      actions.forEach(({ key, action }, position) => {
        const isFirstOnKey = actions.findIndex((each) => each.key === key) === position
        const outcome = batchOutcome(end, position, isFirstOnKey)
        noteSeen(context, key, outcome)
        const operation: Operation = { client: context.client, key, action, ...span, outcome }
        recorder.operation({ ...operation, batch: { id, position, atomic } })
      })
    },
  }
}

function batchOutcome(end: OperationEnd, position: number, isFirstOnKey: boolean): Outcome {
  if (end.kind === 'answer') {
    const item = (end.answer as readonly BatchItemAnswer[])[position]
    assert(item !== undefined, `a batch was answered without a result for operation ${position}`)
    if (item.ok) return outcomeOf(item.result)
    if (item.error.code === 'PRECONDITION_FAILED')
      return { kind: 'refused', revision: item.error.revision ?? undefined }
    return item.error.outcome === 'none' ? { kind: 'none' } : { kind: 'unknown' }
  }
  // What refused a later operation on the key may have been an earlier one of the batch, which never happened either.
  if (end.kind === 'error' && end.error.index === position && end.error.code === 'PRECONDITION_FAILED' && isFirstOnKey)
    return { kind: 'refused', revision: end.error.revision ?? undefined }
  return failedOutcome(end)
}

const DELETE_RANGE: OperationKind = {
  weight: 1,
  draw(context) {
    const [one, other] = [pickKey(context), pickKey(context)]
    const start = one < other ? one : other
    const end = one < other ? other : `${one}\0`
    const covered = [...new Set(context.keys)].filter((key) => key >= start && key < end)
    return {
      text: `delete range ${start}..${end}`,
      kind: 'delete-range',
      keys: covered,
      perform: (router, timeoutMs) => router.deleteRange(start, end, { timeoutMs }),
      ended(recorder, span, ending) {
        if (ending.kind === 'error' && ending.error.outcome === 'none') return
        for (const key of covered) {
          const operation = { client: context.client, key, ...span }
          // Nobody is told which keys it found; but each of them was absent at some moment of a range delete that succeeded.
          recorder.operation({
            ...operation,
            action: { kind: 'delete', condition: { kind: 'none' } },
            outcome: { kind: 'unknown' },
          })
          if (ending.kind === 'answer')
            recorder.operation({ ...operation, action: { kind: 'get' }, outcome: { kind: 'read', found: undefined } })
        }
      },
    }
  },
}

export const OPERATION_KINDS: readonly OperationKind[] = [
  GET,
  PUT,
  DELETE,
  STALE_GET,
  SCAN,
  BATCH,
  ATOMIC_BATCH,
  DELETE_RANGE,
]

/** What may be answered while the cluster is in trouble; CROSS_SHARD is an atomic batch over two shards, which the drawing does not avoid. */
const EXPECTED_CODES: ReadonlySet<string> = new Set([
  'PRECONDITION_FAILED',
  'CROSS_SHARD',
  'NO_LEADER',
  'QUORUM_LOST',
  'DRAINING',
  'NOT_READY',
  'TIMEOUT',
  'OVERLOADED',
  'UNAVAILABLE',
  'CLOSED',
  'DISK_FULL',
])

/** The error as one that clients may see; undefined when it is none. */
export function expectedError(error: unknown): FlotillaError | undefined {
  return error instanceof FlotillaError && EXPECTED_CODES.has(error.code) ? error : undefined
}
