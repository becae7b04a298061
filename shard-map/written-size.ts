/**
 * How many bytes a shard takes where a map is written as MessagePack (`codec.ts` has the layout), with its leader beside it, as stores are told both. It
 * writes nothing: who asks wants to know whether the next shard still fits, without writing a map of many thousands for that.
 */
import type { Shard } from './types.ts'

const LIST_BYTES = 1
const ROLE_BYTES = 1

/** Exact where the store that leads has a name as long as that of the first replica. */
export function shardBytes({ id, start, end, epoch, replicas }: Shard): number {
  let bytes = 2 * LIST_BYTES + (replicas.length * 3 < 16 ? 0 : 2)
  bytes += countBytes(id) + textBytes(start) + (end === undefined ? 1 : textBytes(end))
  bytes += countBytes(epoch.membership) + countBytes(epoch.range)
  for (const replica of replicas) bytes += countBytes(replica.id) + textBytes(replica.store) + ROLE_BYTES
  const [first] = replicas
  return bytes + (first === undefined ? 0 : countBytes(id) + textBytes(first.store))
}

function countBytes(count: number): number {
  if (count < 0x80) return 1
  if (count < 0x100) return 2
  if (count < 0x1_0000) return 3
  return count < 0x1_0000_0000 ? 5 : 9
}

/** Keys are latin-1 text, of which the upper half takes two bytes. */
function textBytes(text: string): number {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x80) bytes++
  if (bytes < 32) return bytes + 1
  if (bytes < 0x100) return bytes + 2
  return bytes < 0x1_0000 ? bytes + 3 : bytes + 5
}
