/**
 * What happens between opening an engine and serving from it: the format is checked, interrupted installs and deletions are finished, state records are
 * loaded, staging files without a purpose are removed. Called by `open-data-store.ts` only.
 */
import { type DamagedGroup, DataStoreError } from './data-store.ts'
import type { EngineEntry, EngineRange, KvStore } from './kv-store.ts'
import {
  DESTROY_RANGE,
  decodeFormatVersion,
  decodeInstallMarker,
  decodeRange,
  encodeFormatVersion,
  FORMAT_KEY,
  FORMAT_VERSION,
  groupOfKey,
  INSTALL_RANGE,
  STATE_RANGE,
  WHOLE_ENGINE,
} from './layout.ts'
import type { GroupId } from './log-store.ts'
import { destroyRange, installRange, type Pause, type Staging } from './snapshot/index.ts'

const PAGE_ITEMS = 1000
const PAGE_BYTES = 1024 * 1024

export interface Recovered {
  readonly states: ReadonlyMap<GroupId, Uint8Array>
  readonly damaged: readonly DamagedGroup[]
  readonly nextStagingNumber: number
}

export async function recover(kv: KvStore, staging: Staging, pause: Pause): Promise<Recovered> {
  await checkFormat(kv)
  for (const [key, record] of await readAll(kv, DESTROY_RANGE)) {
    await destroyRange(kv, groupOfKey(key), decodeRange(record), pause)
  }
  const damaged: DamagedGroup[] = []
  const filesInUse = new Set<string>()
  for (const [key, record] of await readAll(kv, INSTALL_RANGE)) {
    const group = groupOfKey(key)
    const marker = decodeInstallMarker(record)
    try {
      await installRange(kv, staging, group, marker, pause)
    } catch (error) {
      // A damaged staging file costs this replica its data, which its peers have; anything else concerns the whole store.
      if (!(error instanceof DataStoreError) || error.code !== 'SNAPSHOT_DAMAGED') throw error
      damaged.push({ group, reason: error.message })
      filesInUse.add(marker.file)
    }
  }
  const states = new Map<GroupId, Uint8Array>()
  for (const [key, state] of await readAll(kv, STATE_RANGE)) states.set(groupOfKey(key), state)
  // What such a group had before the install is half overwritten.
  for (const { group } of damaged) states.delete(group)
  return { states, damaged, nextStagingNumber: await removeLeftovers(staging, filesInUse) }
}

async function checkFormat(kv: KvStore): Promise<void> {
  const [record] = await kv.getMany([FORMAT_KEY])
  if (record === undefined) {
    const [entry] = await readPage(kv, WHOLE_ENGINE)
    if (entry !== undefined) throw unsupported('has no format version')
    const batch = kv.batch()
    batch.put(FORMAT_KEY, encodeFormatVersion())
    await batch.write()
    return
  }
  const version = decodeFormatVersion(record)
  if (version !== FORMAT_VERSION) throw unsupported(`has format version ${version}`)
}

/** Answers the number after the largest that a staging file has. */
async function removeLeftovers(staging: Staging, inUse: ReadonlySet<string>): Promise<number> {
  let largest = 0
  for (const name of await staging.list()) {
    if (inUse.has(name)) largest = Math.max(largest, Number(name.slice(name.lastIndexOf('-') + 1)))
    else await staging.remove(name)
  }
  return largest + 1
}

async function readAll(kv: KvStore, range: EngineRange): Promise<EngineEntry[]> {
  const iterator = kv.iterate(range, { reverse: false, keysOnly: false, pageBytes: PAGE_BYTES })
  const all: EngineEntry[] = []
  try {
    for (;;) {
      const entries = await iterator.next(PAGE_ITEMS)
      if (entries.length === 0) return all
      all.push(...entries)
    }
  } finally {
    await iterator.close()
  }
}

async function readPage(kv: KvStore, range: EngineRange): Promise<EngineEntry[]> {
  const iterator = kv.iterate(range, { reverse: false, keysOnly: false, pageBytes: PAGE_BYTES })
  try {
    return await iterator.next(1)
  } finally {
    await iterator.close()
  }
}

function unsupported(what: string): DataStoreError {
  const text = `the data directory ${what}, this program reads version ${FORMAT_VERSION}; run the version that wrote it`
  return new DataStoreError('UNSUPPORTED_VERSION', text)
}
