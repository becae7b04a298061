/**
 * An export that reads and compresses on this thread, a small block per `next`. For engines that workers cannot open, and
 * for the simulator, where threads would make runs unrepeatable.
 */
import { DataStoreError, type KeyRange, type SnapshotExport } from '../data-store.ts'
import type { KvStore } from '../kv-store.ts'
import type { GroupId } from '../log-store.ts'
import { RangeExporter } from './range-exporter.ts'

/** Compressing this much takes a fraction of a millisecond. */
const INLINE_BLOCK_BYTES = 64 * 1024

export class InlineExport implements SnapshotExport {
  readonly state: Promise<Uint8Array>
  readonly #exporter: Promise<RangeExporter>
  readonly #onEnd: () => void
  #cancelled = false
  #ended: Promise<void> | undefined
  /** Calls run one after the other, so that `cancel` never closes under a running read. */
  #tail: Promise<unknown>

  constructor(kv: KvStore, group: GroupId, range: KeyRange, ready: Promise<void>, onEnd: () => void) {
    this.#onEnd = onEnd
    this.#exporter = ready.then(() => {
      this.#refuseCancelled()
      return RangeExporter.open(kv, { group, range, blockBytes: INLINE_BLOCK_BYTES })
    })
    this.state = this.#exporter.then((exporter) => exporter.state)
    // A caller may learn of a failure from `next` alone; an unobserved `state` must not end the process.
    this.state.catch(() => {})
    this.#tail = this.#exporter.catch(() => {
      this.#onEnd()
    })
  }

  next(): Promise<Uint8Array | undefined> {
    const result = this.#tail.then(async () => {
      this.#refuseCancelled()
      const exporter = await this.#exporter
      const chunk = await exporter.next()
      if (chunk === undefined) await this.#close(exporter)
      return chunk
    })
    // The caller has the rejection; the order of calls does not depend on it.
    this.#tail = result.catch(() => {})
    return result
  }

  cancel(): void {
    // `end` only rejects when closing the engine's snapshot does; the engine reports that at its own close.
    this.end().catch(() => {})
  }

  /** Cancels, and waits until nothing of the export is left. */
  async end(): Promise<void> {
    this.#cancelled = true
    await this.#tail
    const exporter = await this.#exporter.catch(() => undefined)
    if (exporter !== undefined) await this.#close(exporter)
  }

  #close(exporter: RangeExporter): Promise<void> {
    this.#ended ??= exporter.close().finally(this.#onEnd)
    return this.#ended
  }

  #refuseCancelled(): void {
    if (this.#cancelled) throw new DataStoreError('CANCELLED', 'the export of the snapshot was cancelled')
  }
}
