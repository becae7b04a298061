/** How large a range is, roughly: the engine's own figure, a sample of its first records, and the overlay. For decisions about splitting, not for accounting. */
import type { KeyRange } from './data-store.ts'
import type { KvStore } from './kv-store.ts'
import { userRange } from './layout.ts'
import type { Overlay } from './overlay.ts'

const SAMPLE_ITEMS = 200
const SAMPLE_BYTES = 256 * 1024

/**
 * Exact for the engine's part of a range of fewer than 200 records. Above, LevelDB's figure leaves out what it still holds in its write buffers, and
 * keys are bytes divided by the sample's average. Overlay writes count in full even where they replace records of the engine.
 */
export async function estimateSize(
  kv: KvStore,
  overlay: Overlay,
  range: KeyRange,
): Promise<{ bytes: number; keys: number }> {
  if (range.end !== undefined && range.end <= range.start) return { bytes: 0, keys: 0 }
  const pending = estimateOverlay(overlay, range)
  const engine = await estimateEngine(kv, range)
  return { bytes: Math.round(engine.bytes + pending.bytes), keys: Math.round(engine.keys + pending.keys) }
}

/** What the overlay brings; in full, also where it replaces what the engine has. */
export function estimateOverlay(overlay: Overlay, range: KeyRange): { bytes: number; keys: number } {
  let overlayBytes = 0
  let overlayKeys = 0
  for (const generation of overlay.generations()) {
    const keys = generation.keys.estimateCount(range.start, range.end)
    overlayKeys += keys
    if (generation.entries.size > 0) overlayBytes += (generation.dataBytes * keys) / generation.entries.size
  }
  return { bytes: overlayBytes, keys: overlayKeys }
}

async function estimateEngine(kv: KvStore, range: KeyRange): Promise<{ bytes: number; keys: number }> {
  const engineRange = userRange(range)
  const iterator = kv.iterate(engineRange, { reverse: false, keysOnly: false, pageBytes: SAMPLE_BYTES })
  let sampled = 0
  let sampledBytes = 0
  let exhausted = false
  try {
    while (sampled < SAMPLE_ITEMS && sampledBytes < SAMPLE_BYTES && !exhausted) {
      const entries = await iterator.next(SAMPLE_ITEMS - sampled)
      exhausted = entries.length === 0
      for (const [key, value] of entries) sampledBytes += key.length + value.length
      sampled += entries.length
    }
  } finally {
    await iterator.close()
  }
  if (exhausted) return { bytes: sampledBytes, keys: sampled }
  const bytes = Math.max(sampledBytes, await kv.approximateBytes(engineRange))
  return { bytes, keys: (bytes * sampled) / sampledBytes }
}
