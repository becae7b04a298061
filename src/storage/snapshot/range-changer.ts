/**
 * The long changes of the engine: deleting a range, and replacing a range by a staged snapshot. Both are cut into synced batches and may be cut off
 * anywhere: a durable marker, written before the first batch and removed with the last, makes the next open do them again from the
 * start. They run in a worker next to LevelDB, inline on the other engines and at opening.
 *
 * A crash, step by step: before the marker, nothing happened. After it, the range is in pieces and the group's old state record still there, but nobody
 * sees either, because opening finishes the change before it serves. After the last batch, the marker is gone and so is the
 * reason to look at the staging file, which is removed then or at the next open.
 */
import type { KeyRange } from '../data-store.ts'
import type { EngineBatch, EngineRange, KvStore } from '../kv-store.ts'
import { destroyKey, type InstallMarker, installKey, stateKey, userKey, userRange } from '../layout.ts'
import type { GroupId } from '../log-store.ts'
import { inRange } from '../overlay-generation.ts'
import { damaged, rawPayload } from './format.ts'
import { RecordParser } from './record-parser.ts'
import { readChunk, type Staging } from './staging.ts'
import { SnapshotVerifier } from './verifier.ts'

/** Per batch: small enough that no other writer waits long behind it and no loop is held long, large enough that syncs do not count. */
const BATCH_OPS_MAX = 1024
const BATCH_BYTES_MAX = 1024 * 1024
const DELETE_PAGE_BYTES = 256 * 1024

/** Lets the loop of this thread turn. */
export type Pause = () => Promise<void>

/** Deletes all user data in the range, then the destroy marker of the group. */
export async function destroyRange(kv: KvStore, group: GroupId, range: KeyRange, pause: Pause): Promise<void> {
  await deleteRange(kv, userRange(range), pause)
  const last = kv.batch()
  last.delete(destroyKey(group))
  await last.write()
}

/** Replaces the range by the staged snapshot. Rejects with SNAPSHOT_DAMAGED when the file is not what was received. */
export async function installRange(
  kv: KvStore,
  staging: Staging,
  group: GroupId,
  marker: InstallMarker,
  pause: Pause,
): Promise<void> {
  await deleteRange(kv, userRange(marker.range), pause)
  const file = await staging.open(marker.file)
  const verifier = new SnapshotVerifier(group)
  const writer = new BatchWriter(kv, pause)
  const parser = new RecordParser()
  let records = 0
  try {
    for (let offset = 0; offset < file.size; ) {
      const bytes = await readChunk(file, offset)
      offset += bytes.length
      const chunk = verifier.accept(bytes)
      if (chunk.kind !== 'records') continue
      parser.push(rawPayload(chunk))
      for (let record = parser.next(); record !== undefined; record = parser.next()) {
        records++
        if (!inRange(record.key, marker.range)) continue
        if (writer.put(userKey(record.key), record.value)) await writer.flush()
      }
    }
    if (!verifier.complete || parser.unfinished || records !== verifier.records) {
      throw damaged(`the staging file ends after ${records} records`)
    }
  } catch (error) {
    // Whatever failed, the batch under construction must not outlive the attempt.
    await writer.discard()
    throw error
  } finally {
    await file.close()
  }
  await writer.flush()
  const last = kv.batch()
  last.put(stateKey(group), marker.state)
  last.delete(installKey(group))
  await last.write()
}

async function deleteRange(kv: KvStore, range: EngineRange, pause: Pause): Promise<void> {
  const iterator = kv.iterate(range, { reverse: false, keysOnly: true, pageBytes: DELETE_PAGE_BYTES })
  try {
    for (;;) {
      const entries = await iterator.next(BATCH_OPS_MAX)
      if (entries.length === 0) return
      const batch = kv.batch()
      for (const [key] of entries) batch.delete(key)
      await batch.write()
      await pause()
    }
  } finally {
    await iterator.close()
  }
}

class BatchWriter {
  readonly #kv: KvStore
  readonly #pause: Pause
  #batch: EngineBatch | undefined
  #ops = 0
  #bytes = 0

  constructor(kv: KvStore, pause: Pause) {
    this.#kv = kv
    this.#pause = pause
  }

  /** Answers whether the batch is large enough to be flushed. */
  put(key: string, value: Uint8Array): boolean {
    this.#batch ??= this.#kv.batch()
    this.#batch.put(key, value)
    this.#ops++
    this.#bytes += key.length + value.length
    return this.#ops >= BATCH_OPS_MAX || this.#bytes >= BATCH_BYTES_MAX
  }

  async flush(): Promise<void> {
    const batch = this.#batch
    if (batch === undefined) return
    this.#batch = undefined
    this.#ops = 0
    this.#bytes = 0
    await batch.write()
    await this.#pause()
  }

  async discard(): Promise<void> {
    const batch = this.#batch
    this.#batch = undefined
    await batch?.discard()
  }
}
