/** `flotilla shard map`: the key space from the lowest key to the highest, one shard a line, with a column for each store. */
import { formatTable, printable } from '../cli/index.ts'
import type { Shard } from './shard.ts'

/** Bars are as wide as the largest shard is big. */
const BAR_WIDTH = 12

export function shardMapText(shards: readonly Shard[]): string {
  const data = shards.filter((shard) => shard.kind !== 'placement')
  // An encoded bound sorts as its bytes do only where nothing is escaped, so the chain of ranges is followed instead.
  const byStart = new Map(data.map((shard) => [shard.start ?? '', shard]))
  const ordered: Shard[] = []
  for (let next: string | null | undefined = ''; typeof next === 'string'; ) {
    const shard = byStart.get(next)
    if (shard === undefined || ordered.includes(shard)) break
    ordered.push(shard)
    next = shard.end
  }
  // While the map is changing, pages may not fit together: then nothing is left out, whatever the order.
  const drawn = ordered.length === data.length ? ordered : data
  const stores = [...new Set(shards.flatMap(({ replicas }) => replicas.map(({ store }) => store)))].sort()
  const bytesMax = Math.max(1, ...data.map(({ bytes }) => bytes))
  return formatTable(drawn, [
    { name: 'from', value: ({ start }) => (start ? printable(start) : '(lowest)') },
    { name: 'shard', value: ({ id }) => id, align: 'right' },
    { name: 'size', value: ({ bytes }) => '#'.repeat(Math.max(1, Math.round((bytes / bytesMax) * BAR_WIDTH))) },
    ...stores.map((store) => ({ name: store, value: (shard: Shard) => roleOn(shard, store) })),
  ])
}

function roleOn({ leader, replicas }: Shard, store: string): string {
  const replica = replicas.find((each) => each.store === store)
  if (replica === undefined) return '.'
  if (leader === store) return 'leader'
  return replica.role === 'voter' ? 'voter' : replica.role
}
