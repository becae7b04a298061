import { isCount, utf8Decode, utf8Encode } from '../base/index.ts'
import type { ReplicaId } from '../raft/index.ts'

/**
 * What is left of a replica that was destroyed, in the place of its state record: so that a late message cannot bring back a replica that has
 * forgotten what it promised. Written by `Burials`, read at the start by `Graves`.
 *
 *   offset  size  meaning
 *        0     1  format, 2 (a state record has another)
 *        1     …  JSON {replica, membership, mergedInto}
 */
export interface Tombstone {
  /** The highest replica id that this store has had of the group; ids grow, so no older one may come back. */
  readonly replica: ReplicaId
  /** The membership epoch in which it was found not to belong any more. */
  readonly membership: number
  /** The shard that took this one in: the group is gone for good, everywhere. */
  readonly mergedInto: number | undefined
}

export const TOMBSTONE_FORMAT = 2

export function encodeTombstone(tombstone: Tombstone): Uint8Array {
  const json = utf8Encode(JSON.stringify(tombstone))
  const bytes = new Uint8Array(1 + json.length)
  bytes[0] = TOMBSTONE_FORMAT
  bytes.set(json, 1)
  return bytes
}

/** The tombstone, or a sentence that says what is wrong with the bytes. */
export function decodeTombstone(bytes: Uint8Array): Tombstone | string {
  if (bytes[0] !== TOMBSTONE_FORMAT) return `tombstone format ${bytes[0]} is unknown to this version`
  const text = utf8Decode(bytes.subarray(1))
  let fields: Partial<Tombstone> | null
  try {
    fields = JSON.parse(text ?? '') as Partial<Tombstone> | null
  } catch {
    // Broken JSON is the only error of JSON.parse.
    return 'a tombstone is not JSON'
  }
  const { replica, membership, mergedInto } = fields ?? {}
  if (!isCount(replica) || !isCount(membership) || !(mergedInto === undefined || isCount(mergedInto))) {
    return 'a tombstone lacks a number'
  }
  return { replica, membership, mergedInto }
}
