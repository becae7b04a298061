/**
 * The routes of key ranges: `GET /kv` as one JSON page or as a stream of lines, and `DELETE /kv`.
 */

import type { Key } from '../../../shard-map/index.ts'
import { bytesToLatin1, LIMITS, latin1ToBytes, prefixEnd } from '../../base/index.ts'
import type { Consistency } from '../../protocol/index.ts'
import { FlotillaError } from '../../protocol/index.ts'
import type { ScanAnswer, ScanRequest } from '../../router/index.ts'
import { refuseConditions } from '../conditions.ts'
import { decodeCursor, encodeCursor } from '../cursor.ts'
import type { Exchange } from '../exchange.ts'
import { invalidArgument } from '../failures.ts'
import { jsonItem } from '../json-bytes.ts'
import { problemOf } from '../problem.ts'
import type { Query } from '../query.ts'
import { preferredType } from '../request-headers.ts'
import { refuseUnsupported } from './unsupported.ts'

const JSON_TYPE = 'application/json'
const LINES_TYPE = 'application/x-ndjson'
/** Lines gathered before they are written: enough to make writes rare, little enough to keep memory small. */
const STREAM_CHUNK_CHARS = 64 * 1024

interface KeyRange {
  readonly start: Key
  readonly end: Key | undefined
}

interface Listing {
  readonly range: KeyRange
  readonly reverse: boolean
  readonly keysOnly: boolean
  readonly limit: number | undefined
  readonly consistency: Consistency
  /** Differs between queries; cursors are bound to it. */
  readonly identity: string
}

export async function listKeys(exchange: Exchange): Promise<void> {
  const listing = listingOf(exchange.query)
  if (!isEmpty(listing.range)) exchange.grant?.requireRange(listing.range.start, listing.range.end)
  const remaining = resume(listing, exchange.query)
  if (preferredType(exchange.requestHeader('accept'), [JSON_TYPE, LINES_TYPE]) === LINES_TYPE) {
    await streamLines(exchange, listing, remaining)
  } else await sendPage(exchange, listing, remaining)
}

export async function deleteKeys(exchange: Exchange): Promise<void> {
  refuseUnsupported(exchange)
  refuseConditions(exchange, 'a range delete')
  const { query } = exchange
  if (!query.bound('prefix') && !query.bound('start') && !query.bound('end')) {
    throw invalidArgument('a range delete needs prefix, start or end', 'To delete everything, delete from start=%00.')
  }
  const { start, end } = rangeOf(query)
  let deleted = 0
  if (!isEmpty({ start, end })) {
    exchange.grant?.requireRange(start, end)
    exchange.mayHaveWritten = true
    const options = { timeoutMs: exchange.remainingMs, trace: exchange.span?.context, signal: exchange.signal }
    deleted = (await exchange.services.router.deleteRange(start, end, options)).deleted
  }
  exchange.sendJson(200, { deleted })
}

function listingOf(query: Query): Listing {
  const range = rangeOf(query)
  const reverse = query.boolean('reverse')
  const keysOnly = query.boolean('keys_only')
  return {
    range,
    reverse,
    keysOnly,
    limit: query.count('limit', LIMITS.scanPageItemsMax),
    consistency: query.consistency(),
    identity: JSON.stringify([range.start, range.end ?? null, reverse, keysOnly]),
  }
}

/** The intersection of everything the query names. */
function rangeOf(query: Query): KeyRange {
  let start = query.bound('start') ?? ''
  // An empty upper bound would be below every key; as in URLs generally, an empty parameter is one that is not set.
  let end = query.bound('end') || undefined
  const prefix = query.bound('prefix') ?? ''
  if (prefix > start) start = prefix
  const afterPrefix = prefixEnd(latin1ToBytes(prefix))
  if (afterPrefix !== undefined) {
    const bound = bytesToLatin1(afterPrefix)
    if (end === undefined || bound < end) end = bound
  }
  return { start, end }
}

function isEmpty({ start, end }: KeyRange): boolean {
  return end !== undefined && start >= end
}

/** What is left of the range at the query's cursor. */
function resume({ range, reverse, identity }: Listing, query: Query): KeyRange {
  const cursor = query.text('cursor')
  if (cursor === undefined) return range
  const position = decodeCursor(identity, cursor)
  const isInside = position >= range.start && (range.end === undefined || position <= range.end)
  if (!isInside) throw invalidArgument('the cursor lies outside of its query')
  return reverse ? { start: range.start, end: position } : { start: position, end: range.end }
}

async function sendPage(exchange: Exchange, listing: Listing, range: KeyRange): Promise<void> {
  if (isEmpty(range)) {
    exchange.sendJson(200, { items: [], next: null })
    return
  }
  const { services } = exchange
  const itemsMax = listing.limit ?? LIMITS.scanPageItemsDefault
  const page = await services.router.scan(scanRequest(listing, range, itemsMax), {
    timeoutMs: exchange.remainingMs,
    trace: exchange.span?.context,
    signal: exchange.signal,
  })
  stalenessHeader(exchange, listing, page)
  exchange.sendJson(200, {
    items: page.items.map((item) => jsonItem(item, listing.keysOnly)),
    next: page.next === undefined ? null : encodeCursor(listing.identity, page.next),
  })
}

/** The whole range, page after page, each no sooner than the client has room for it. */
async function streamLines(exchange: Exchange, listing: Listing, range: KeyRange): Promise<void> {
  let rest: KeyRange | undefined = range
  let left = listing.limit ?? Number.POSITIVE_INFINITY
  try {
    while (rest !== undefined && left > 0 && !isEmpty(rest)) {
      const request = scanRequest(listing, rest, Math.min(left, LIMITS.scanPageItemsMax))
      const timeoutMs =
        exchange.phase === 'streaming' ? exchange.services.limits.requestTimeoutMs : exchange.remainingMs
      const page = await exchange.services.router.scan(request, { timeoutMs, signal: exchange.signal })
      if (exchange.phase === 'working') {
        stalenessHeader(exchange, listing, page)
        exchange.startStream(200, LINES_TYPE)
        if (exchange.isHead) break
      }
      await writeLines(exchange, page, listing.keysOnly)
      left -= page.items.length
      rest = following(rest, page.next, listing.reverse)
    }
    exchange.startStream(200, LINES_TYPE)
    exchange.endStream()
  } catch (error) {
    // Before the first line it is an ordinary answer; later the last line has to say it.
    if (exchange.phase !== 'streaming') throw error
    await endWithError(exchange, error)
  }
}

function following(range: KeyRange, next: Key | undefined, reverse: boolean): KeyRange | undefined {
  if (next === undefined) return undefined
  return reverse ? { start: range.start, end: next } : { start: next, end: range.end }
}

async function writeLines(exchange: Exchange, page: ScanAnswer, keysOnly: boolean): Promise<void> {
  let text = ''
  for (const item of page.items) {
    text += `${JSON.stringify(jsonItem(item, keysOnly))}\n`
    if (text.length >= STREAM_CHUNK_CHARS) {
      await exchange.write(text)
      text = ''
    }
  }
  if (text !== '') await exchange.write(text)
}

async function endWithError(exchange: Exchange, error: unknown): Promise<void> {
  if (exchange.isAbandoned) {
    exchange.abandon()
    return
  }
  const value = error instanceof FlotillaError ? error : exchange.reportBug(error)
  await exchange.write(`${JSON.stringify({ error: problemOf(value, exchange.requestId) })}\n`)
  exchange.endStream()
}

function scanRequest(listing: Listing, range: KeyRange, itemsMax: number): ScanRequest {
  const { reverse, keysOnly, consistency } = listing
  return { start: range.start, end: range.end, reverse, keysOnly, itemsMax, consistency }
}

function stalenessHeader(exchange: Exchange, listing: Listing, page: ScanAnswer): void {
  if (listing.consistency === 'stale') exchange.header('Flotilla-Staleness-Ms', String(Math.ceil(page.stalenessMs)))
}
