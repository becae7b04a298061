import type { Key, Shard } from '../../shard-map/index.ts'
import { LIMITS, present } from '../base/index.ts'
import { type ErrorValue, FlotillaError, type Reply, type Request } from '../protocol/index.ts'
import { type CallTarget, RoutedCall, type RoutingContext } from './routed-call.ts'
import type { CallOptions } from './types.ts'

/**
 * Cuts a list of items along the shard map, sends one request per shard, and puts the results back into the order of the items. When the
 * map changes on the way, the parts that were refused are cut again by the new map. Items of one shard keep their order.
 */
export interface Scatter<Item, Result> {
  readonly items: readonly Item[]
  readonly keyOf: (item: Item) => Key
  readonly isRead: boolean
  readonly anyReplica: boolean
  readonly options: CallOptions
  request(shard: Shard, part: readonly Item[]): Request
  /** One result per item of the part. */
  results(reply: Reply): readonly Result[]
  /** What stands for each item of a part that failed; may throw to fail the whole. */
  failed(error: ErrorValue): Result
}

export async function scatter<Item, Result>(context: RoutingContext, work: Scatter<Item, Result>): Promise<Result[]> {
  const results = new Array<Result>(work.items.length)
  const deadlineMs = context.clock.nowMs() + (work.options.timeoutMs ?? LIMITS.requestTimeoutMsDefault)
  await context.refresher.whenKnown(work.options.timeoutMs)
  await sendParts(
    context,
    work,
    deadlineMs,
    work.items.map((_, position) => position),
    results,
  )
  return results
}

async function sendParts<Item, Result>(
  context: RoutingContext,
  work: Scatter<Item, Result>,
  deadlineMs: number,
  positions: readonly number[],
  results: Result[],
): Promise<void> {
  const parts = new Map<number, { readonly positions: number[] }>()
  for (const position of positions) {
    const shard = present(context.view.locate(work.keyOf(present(work.items[position], 'item'))), 'the shard of a key')
    const part = parts.get(shard.id)
    if (part === undefined) parts.set(shard.id, { positions: [position] })
    else part.positions.push(position)
  }
  await Promise.all([...parts.values()].map((part) => sendPart(context, work, deadlineMs, part.positions, results)))
}

async function sendPart<Item, Result>(
  context: RoutingContext,
  work: Scatter<Item, Result>,
  deadlineMs: number,
  positions: readonly number[],
  results: Result[],
): Promise<void> {
  const reply = await askPart(context, work, deadlineMs, positions)
  if (reply instanceof FlotillaError && reply.code === 'STALE_EPOCH') {
    await sendParts(context, work, deadlineMs, positions, results)
    return
  }
  if (reply instanceof FlotillaError && reply.code === 'BATCH_TOO_LARGE' && work.isRead && positions.length > 1) {
    // Nobody knew how large the values are. One after the other, so that the halves are not in memory twice.
    const middle = Math.ceil(positions.length / 2)
    await sendPart(context, work, deadlineMs, positions.slice(0, middle), results)
    await sendPart(context, work, deadlineMs, positions.slice(middle), results)
    return
  }
  const answer = reply instanceof FlotillaError ? reply : resultsOf(work, reply)
  for (let i = 0; i < positions.length; i++) {
    const result = answer instanceof FlotillaError ? work.failed(answer) : (answer[i] as Result)
    results[present(positions[i], 'position')] = result
  }
}

/** The store's answer for the items at `positions`, or how asking for it failed. Only typed errors stand for a failed part; bugs go up. */
async function askPart<Item, Result>(
  context: RoutingContext,
  work: Scatter<Item, Result>,
  deadlineMs: number,
  positions: readonly number[],
): Promise<Reply | FlotillaError> {
  const items = positions.map((position) => present(work.items[position], 'item'))
  const firstKey = work.keyOf(present(items[0], 'item'))
  const target: CallTarget = {
    shard: () => context.view.locate(firstKey),
    request: (shard) =>
      items.every((item) => contains(shard, work.keyOf(item))) ? work.request(shard, items) : cutDifferently(shard),
    isRead: work.isRead,
    anyReplica: work.anyReplica,
  }
  // All parts share one deadline, however often they are cut anew and however long the map took to come.
  const timeoutMs = Math.max(1, deadlineMs - context.clock.nowMs())
  return await new Promise((resolve) => {
    new RoutedCall(context, target, { ...work.options, timeoutMs }, resolve, resolve).start()
  })
}

function resultsOf<Item, Result>(work: Scatter<Item, Result>, reply: Reply): readonly Result[] | FlotillaError {
  try {
    return work.results(reply)
  } catch (error) {
    // A store that did not understand the part says so in its answer; all else is a bug.
    if (error instanceof FlotillaError) return error
    throw error
  }
}

/** The map has changed since the items were put together; nothing was sent. */
function cutDifferently(shard: Shard): FlotillaError {
  return new FlotillaError({
    code: 'STALE_EPOCH',
    message: `shard ${shard.id} has changed its range`,
    outcome: 'none',
    retryable: true,
  })
}

function contains(shard: Shard, key: Key): boolean {
  return key >= shard.start && (shard.end === undefined || key < shard.end)
}
