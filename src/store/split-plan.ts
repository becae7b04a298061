import { compareEpochs, type Refusal, type Shard, splitShard } from '../../shard-map/index.ts'
import type { ShardCut } from '../protocol/index.ts'

/**
 * The parts that a split makes of a shard, the one that keeps the id first. Pure: the leader asks before it proposes, and every replica asks again
 * when it applies, so all of them decide alike.
 */
export function planSplit(
  shard: Shard,
  cuts: readonly ShardCut[],
): { readonly ok: true; readonly parts: readonly Shard[] } | Refusal {
  const parts: Shard[] = []
  let left = shard
  for (const cut of [...cuts].reverse()) {
    const split = splitShard(left, cut.key, cut.shard, cut.replicas)
    if (!split.ok) return split
    left = split.left
    parts.unshift(split.right)
  }
  const ids = [shard.id, ...parts.map((part) => part.id)]
  if (new Set(ids).size !== ids.length) return { ok: false, reason: 'invalid', message: 'two parts have the same id' }
  return { ok: true, parts: [left, ...parts] }
}

/** Whether the shard has the very epoch that a change was made for. */
export function isAt(shard: Shard, epoch: Shard['epoch']): boolean {
  return compareEpochs(shard.epoch, epoch) === 'same'
}
