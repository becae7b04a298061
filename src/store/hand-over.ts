import type { Clock } from '../base/index.ts'
import { NO_REPLICA } from '../raft/index.ts'
import type { Replica } from './replica.ts'

/**
 * Gives the leadership of every group away before an orderly stop, so that nobody has to wait for an election. Bounded in time: a leader that nobody takes
 * over from stops all the same. Called by the store.
 */
const HAND_OVER_MS = 3_000
const HAND_OVER_POLL_MS = 50

export async function handOver(
  replicas: Iterable<Replica>,
  clock: Clock,
  wake: (replica: Replica) => void,
): Promise<void> {
  const deadlineMs = clock.nowMs() + HAND_OVER_MS
  const waiting = new Set([...replicas].filter((replica) => replica.isLeader))
  for (const replica of waiting) if (!giveAway(replica, wake)) waiting.delete(replica)
  while (waiting.size > 0 && clock.nowMs() < deadlineMs) {
    await new Promise<void>((resolve) => {
      clock.after(HAND_OVER_POLL_MS, resolve)
    })
    for (const replica of waiting) {
      // The core gives a transfer up after an election timeout: then it is begun anew, with whoever is furthest by now.
      if (replica.isLeader) {
        if (!giveAway(replica, wake)) waiting.delete(replica)
      }
      // Writes it proposed are committed under the next leader; staying until they are applied here gives them an answer better than "unknown".
      // What was given away once and comes back is left: when all stores of a cluster stop together, leadership must not run in circles.
      else if (replica.writes.size === 0) waiting.delete(replica)
    }
  }
}

/** False when nobody could take it. */
function giveAway(replica: Replica, wake: (replica: Replica) => void): boolean {
  if (replica.raft.status().transferee !== NO_REPLICA) return true
  const target = mostCaughtUp(replica)
  if (target === undefined) return false
  replica.raft.transferLeader(target)
  wake(replica)
  return true
}

/** The voter that could lead at once: reachable, and furthest along. */
function mostCaughtUp(replica: Replica): number | undefined {
  let best: { readonly id: number; readonly matchIndex: number } | undefined
  for (const [id, progress] of replica.raft.status().progress ?? []) {
    const isVoter = replica.membership.voters.includes(id)
    if (id === replica.id || !isVoter || !progress.heardLately) continue
    if (best === undefined || progress.matchIndex > best.matchIndex) best = { id, matchIndex: progress.matchIndex }
  }
  return best?.id
}
