/**
 * Epochs compared. Every change of a shard raises one of the two counters and lowers none, so two pictures of one shard are
 * always the same, or one is newer; anything else means that somebody invented an epoch.
 */
import type { Epoch } from './types.ts'

export type EpochOrder = 'same' | 'newer' | 'older' | 'contradictory'

/** How `epoch` stands to `other`: `newer` when it has seen all that `other` has, and more. */
export function compareEpochs(epoch: Epoch, other: Epoch): EpochOrder {
  const membership = epoch.membership - other.membership
  const range = epoch.range - other.range
  if (membership === 0 && range === 0) return 'same'
  if (membership >= 0 && range >= 0) return 'newer'
  if (membership <= 0 && range <= 0) return 'older'
  return 'contradictory'
}

/** `membership.range`, as headers show it. */
export function epochToText(epoch: Epoch): string {
  return `${epoch.membership}.${epoch.range}`
}
