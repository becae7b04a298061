/** At the end of a run: whether replicas that applied the same entries hold the same data, record by record. */
import { PLACEMENT_SHARD } from '../../shard-map/index.ts'
import { decodeStateRecord } from '../store/index.ts'
import type { SimulatedStore } from './simulated-store.ts'
import type { World } from './world.ts'

const PAGE_ITEMS = 10_000
const PAGE_BYTES = 1 << 28

interface Copy {
  readonly store: string
  readonly appliedIndex: number
  readonly records: ReadonlyMap<string, string>
  readonly machine: string
}

/** What keeps replicas from being compared: some have not applied all that others have, or nobody all that was committed: an overlay that is full makes them wait. */
export function hasSettled(world: World): string[] {
  const reasons: string[] = []
  for (const [group, stores] of holders(world)) {
    const replicas = stores.map((store) => store.node?.store.replicas.get(group))
    const lowest = Math.min(...replicas.map((replica) => replica?.appliedIndex ?? 0))
    const highest = Math.max(...replicas.map((replica) => replica?.raft.commitIndex ?? 0))
    if (lowest < highest) reasons.push(`group ${group} is applied from ${lowest} on, and committed up to ${highest}`)
  }
  return reasons
}

export async function compareReplicas(world: World): Promise<{ message: string; group: number } | undefined> {
  for (const [group, stores] of holders(world)) {
    const copies = await Promise.all(stores.map((store) => readCopy(store, group)))
    const [first, ...others] = copies
    for (const other of others) {
      if (first === undefined || first.appliedIndex !== other.appliedIndex) continue
      const message = difference(first, other)
      if (message !== undefined) return { message: `group ${group} differs: ${message}`, group }
    }
  }
  return undefined
}

function holders(world: World): Map<number, SimulatedStore[]> {
  const byGroup = new Map<number, SimulatedStore[]>()
  for (const store of world.stores) {
    if (store.isLost) continue
    for (const group of store.node?.store.replicas.keys() ?? []) {
      const list = byGroup.get(group)
      if (list === undefined) byGroup.set(group, [store])
      else list.push(store)
    }
  }
  return byGroup
}

async function readCopy(store: SimulatedStore, group: number): Promise<Copy> {
  const replica = store.node?.store.replicas.get(group)
  const data = store.node?.data
  const records = new Map<string, string>()
  if (replica === undefined || data === undefined) return { store: store.id, appliedIndex: 0, records, machine: '' }
  const { appliedIndex } = replica
  const state = decodeStateRecord(replica.stateRecord())
  const machine = typeof state === 'string' ? state : Buffer.from(state.machine).toString('latin1')
  if (group !== PLACEMENT_SHARD) {
    const page = await data.scan({
      start: replica.shard.start,
      end: replica.shard.end,
      reverse: false,
      itemsMax: PAGE_ITEMS,
      bytesMax: PAGE_BYTES,
      keysOnly: false,
    })
    for (const { key, value } of page.items) records.set(key, Buffer.from(value).toString('latin1'))
  }
  return { store: store.id, appliedIndex, records, machine }
}

function difference(one: Copy, other: Copy): string | undefined {
  const where = `${one.store} and ${other.store}, both at index ${one.appliedIndex}`
  for (const key of new Set([...one.records.keys(), ...other.records.keys()])) {
    if (one.records.get(key) !== other.records.get(key)) return `key ${JSON.stringify(key)} on ${where}`
  }
  return one.machine === other.machine ? undefined : `the state of the machine on ${where}`
}
