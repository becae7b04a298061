/**
 * One page of a scan: a slice of the overlay, captured synchronously, merged with an engine iterator opened in the same turn. It is the only
 * place that knows how overlay and engine combine in order. The data store calls it.
 */
import { EMPTY_BYTES } from '../base/index.ts'
import type { DataKey, KeyRange, ScanOptions, ScanPage } from './data-store.ts'
import type { EngineEntry, EngineIterator } from './kv-store.ts'
import { dataKeyOf } from './layout.ts'
import type { Overlay } from './overlay.ts'
import type { OverlayGeneration } from './overlay-generation.ts'
import { lowerBound } from './overlay-keys.ts'

/** Overlay writes in scan order; a null value is a delete. */
export interface OverlaySlice {
  readonly keys: readonly DataKey[]
  readonly values: readonly (Uint8Array | null)[]
}

/** A sorted run being walked in one direction between two positions. */
interface RunCursor {
  readonly run: readonly DataKey[]
  readonly generation: OverlayGeneration
  position: number
  /** The position after the last one to visit. */
  readonly stop: number
}

/**
 * Copies what a page over the range can need: at most `itemsMax` + 1 live values (fewer when they exceed `bytesMax`) and the deletes
 * between them. Nothing behind that can be on the page, because the live values alone fill it and decide `more`.
 */
export function captureOverlay(overlay: Overlay, options: ScanOptions): OverlaySlice {
  const keys: DataKey[] = []
  const values: (Uint8Array | null)[] = []
  const cursors = openCursors(overlay.generations(), options, options.reverse)
  let live = 0
  let bytes = 0
  let last: DataKey | undefined
  while (live <= options.itemsMax && (bytes <= options.bytesMax || live < 2)) {
    const cursor = nextCursor(cursors, options.reverse)
    if (cursor === undefined) break
    const key = cursor.run[cursor.position] as DataKey
    cursor.position += options.reverse ? -1 : 1
    // Cursors of the newer generation come first, so the first to offer a key has its current value; later offers are older.
    if (key === last) continue
    const value = cursor.generation.entries.get(key)
    // The generation forgot this key: an older one may still know it.
    if (value === undefined) continue
    last = key
    keys.push(key)
    values.push(value)
    if (value === null) continue
    live++
    bytes += key.length + (options.keysOnly ? 0 : value.length)
  }
  return { keys, values }
}

function openCursors(generations: readonly OverlayGeneration[], range: KeyRange, reverse: boolean): RunCursor[] {
  const cursors: RunCursor[] = []
  for (const generation of generations) {
    for (const run of generation.keys.runs()) {
      const from = lowerBound(run, range.start)
      const to = range.end === undefined ? run.length : lowerBound(run, range.end)
      if (from >= to) continue
      cursors.push({ run, generation, position: reverse ? to - 1 : from, stop: reverse ? from - 1 : to })
    }
  }
  return cursors
}

function nextCursor(cursors: readonly RunCursor[], reverse: boolean): RunCursor | undefined {
  let best: RunCursor | undefined
  let bestKey = ''
  for (const cursor of cursors) {
    if (cursor.position === cursor.stop) continue
    const key = cursor.run[cursor.position] as DataKey
    if (best !== undefined && !(reverse ? key > bestKey : key < bestKey)) continue
    best = cursor
    bestKey = key
  }
  return best
}

/** Merges the slice with the iterator (over the same range, in the same direction) to one page. Closes the iterator. */
export async function mergePage(
  slice: OverlaySlice,
  iterator: EngineIterator,
  options: ScanOptions,
): Promise<ScanPage> {
  const page = new PageBuilder(options)
  let position = 0
  try {
    for (;;) {
      // One more than fits tells whether there is more; what the overlay hides is read in the next round.
      const entries = await iterator.next(page.room + 1)
      if (entries.length === 0) break
      for (const entry of entries) {
        position = mergeEntry(slice, position, entry, page, options.reverse)
        if (page.full) return page.finish()
      }
    }
    while (position < slice.keys.length && !page.full) {
      addOverlay(slice, position, page)
      position++
    }
    return page.finish()
  } finally {
    await iterator.close()
  }
}

/** Adds the overlay's entries before the engine's one, then that one unless the overlay hides it. Answers the new overlay position. */
function mergeEntry(
  slice: OverlaySlice,
  from: number,
  entry: EngineEntry,
  page: PageBuilder,
  reverse: boolean,
): number {
  const key = dataKeyOf(entry[0])
  let position = from
  while (position < slice.keys.length) {
    const overlayKey = slice.keys[position] as DataKey
    if (reverse ? overlayKey < key : overlayKey > key) break
    addOverlay(slice, position, page)
    position++
    if (overlayKey === key || page.full) return position
  }
  page.add(key, entry[1])
  return position
}

function addOverlay(slice: OverlaySlice, position: number, page: PageBuilder): void {
  const value = slice.values[position]
  if (value !== null && value !== undefined) page.add(slice.keys[position] as DataKey, value)
}

class PageBuilder {
  readonly #options: ScanOptions
  readonly #items: { key: DataKey; value: Uint8Array }[] = []
  #bytes = 0
  #full = false

  constructor(options: ScanOptions) {
    this.#options = options
  }

  get room(): number {
    return this.#options.itemsMax - this.#items.length
  }

  /** Whether an item was offered that no longer fits: the page is complete and there is more. */
  get full(): boolean {
    return this.#full
  }

  add(key: DataKey, value: Uint8Array): void {
    if (this.#full) return
    const kept = this.#options.keysOnly ? EMPTY_BYTES : value
    const bytes = this.#bytes + key.length + kept.length
    // The first item always fits, so that a page makes progress whatever its limits.
    if (this.#items.length >= this.#options.itemsMax || (this.#items.length > 0 && bytes > this.#options.bytesMax)) {
      this.#full = true
      return
    }
    this.#bytes = bytes
    this.#items.push({ key, value: kept })
  }

  finish(): ScanPage {
    return { items: this.#items, more: this.#full }
  }
}
