import { type Clock, EMPTY_BYTES, present } from '../base/index.ts'
import { decodeRecord, type KvRecord } from '../machine/index.ts'
import type { Found, Item } from '../protocol/index.ts'
import type { DataKey, DataStore } from '../storage/index.ts'
import { answerError, type Call } from './call.ts'
import type { Fetcher } from './fetcher.ts'
import { ageMs } from './freshness.ts'
import { replicaReplaced, staleEpoch } from './refusals.ts'
import type { Replica } from './replica.ts'
import type { TracedWrites } from './traced-writes.ts'

/**
 * Serves reads from the applied data, once the loop says that it is fresh enough: from memory at once, otherwise with the turn's one
 * batched fetch. The range is checked here again, because a split may have been applied while the read waited.
 */
export class ReadServer {
  readonly #data: DataStore
  readonly #clock: Clock
  readonly #fetcher: Fetcher
  readonly #crash: (error: unknown) => void
  readonly #traces: TracedWrites

  constructor(data: DataStore, clock: Clock, fetcher: Fetcher, crash: (error: unknown) => void, traces: TracedWrites) {
    this.#traces = traces
    this.#data = data
    this.#clock = clock
    this.#fetcher = fetcher
    this.#crash = crash
  }

  serve(replica: Replica, calls: readonly Call[]): void {
    const confirmedMs = this.#clock.nowMs()
    // Taken before the data is read: what is read later is younger.
    const { asOfMs } = replica.freshness
    for (const call of calls) {
      const { request } = call
      if (request.kind === 'read-shard') call.answer({ kind: 'shards', shards: [replica.shard] })
      if (request.kind !== 'get' && request.kind !== 'scan') continue
      if (request.rangeEpoch !== replica.shard.epoch.range) {
        answerError(call, staleEpoch(replica.group, replica.successors))
        continue
      }
      if (request.kind === 'get') {
        replica.load.read(request.keys)
        this.#get(replica, call, request.keys, confirmedMs, asOfMs)
      } else this.#scan(replica, call, request, confirmedMs, asOfMs)
    }
  }

  #get(replica: Replica, call: Call, keys: readonly DataKey[], confirmedMs: number, asOfMs: number): void {
    const values: (Found | undefined)[] = []
    for (const key of keys) {
      const known = this.#data.peek(key)
      if (known === undefined) break
      values.push(known === null ? undefined : readRecord(known))
    }
    if (values.length === keys.length) {
      this.#answerGet(replica, call, values, confirmedMs, asOfMs)
      return
    }
    const { dataGeneration } = replica
    this.#fetcher.fetch(keys, (fetched, offset) => {
      if (replica.dataGeneration !== dataGeneration) {
        answerError(call, replicaReplaced(replica.group))
        return
      }
      const found: (Found | undefined)[] = []
      for (let i = 0; i < keys.length; i++) {
        const record = fetched[offset + i]
        found.push(record === undefined ? undefined : readRecord(record))
      }
      this.#answerGet(replica, call, found, confirmedMs, asOfMs)
    })
  }

  #answerGet(
    replica: Replica,
    call: Call,
    values: readonly (Found | undefined)[],
    confirmedMs: number,
    asOfMs: number,
  ): void {
    if (call.request.kind === 'get' && call.request.trace !== undefined) this.#traces.read(replica, call, confirmedMs)
    call.answer({
      kind: 'get',
      values,
      timing: { raftMs: confirmedMs - call.arrivedMs, applyMs: this.#clock.nowMs() - confirmedMs },
      epoch: replica.shard.epoch,
      stalenessMs: this.#staleness(call, asOfMs),
    })
  }

  #scan(
    replica: Replica,
    call: Call,
    request: Extract<Call['request'], { kind: 'scan' }>,
    confirmedMs: number,
    asOfMs: number,
  ): void {
    const { shard } = replica
    const start = request.start > shard.start ? request.start : shard.start
    replica.load.scanned(start)
    const end =
      shard.end === undefined || (request.end !== undefined && request.end < shard.end) ? request.end : shard.end
    const options = {
      start,
      end,
      reverse: request.reverse,
      keysOnly: false,
      itemsMax: request.itemsMax,
      bytesMax: request.bytesMax,
    }
    const { dataGeneration } = replica
    this.#data.scan(options).then((page) => {
      if (replica.dataGeneration !== dataGeneration) {
        answerError(call, replicaReplaced(replica.group))
        return
      }
      const items: Item[] = page.items.map(({ key, value }) => {
        const record = readRecord(value)
        return { key, value: request.keysOnly ? EMPTY_BYTES : record.value, revision: record.revision }
      })
      if (request.trace !== undefined) this.#traces.read(replica, call, confirmedMs)
      call.answer({
        kind: 'scan',
        items,
        more: page.more,
        timing: { raftMs: confirmedMs - call.arrivedMs, applyMs: this.#clock.nowMs() - confirmedMs },
        epoch: replica.shard.epoch,
        stalenessMs: this.#staleness(call, asOfMs),
      })
    }, this.#crash)
  }

  /** How old a stale answer may be. */
  #staleness(call: Call, asOfMs: number): number {
    const { request } = call
    if ((request.kind !== 'get' && request.kind !== 'scan') || request.consistency === 'linearizable') return 0
    return ageMs(asOfMs, this.#clock.nowMs())
  }
}

/** A stored record that cannot be read is damage that the engine did not notice: nothing this process says can be trusted. */
function readRecord(bytes: Uint8Array): KvRecord {
  return present(decodeRecord(bytes), 'a record in a format this version knows')
}
