import type { Clock } from '../base/index.ts'
import type { Replica } from './replica.ts'

/**
 * Gives the leadership of every group away before an orderly stop, so that nobody has to wait for an election. Bounded in time: a leader that nobody takes
 * over from stops all the same. Called by the store.
 */
const HAND_OVER_MS = 1_500
const HAND_OVER_POLL_MS = 50

export async function handOver(
  replicas: Iterable<Replica>,
  clock: Clock,
  wake: (replica: Replica) => void,
): Promise<void> {
  const deadlineMs = clock.nowMs() + HAND_OVER_MS
  // Each is given away once: when all stores of a cluster stop together, leadership must not run in circles.
  const given = [...replicas].filter((replica) => {
    const target = replica.isLeader ? mostCaughtUp(replica) : undefined
    if (target === undefined) return false
    replica.raft.transferLeader(target)
    wake(replica)
    return true
  })
  // Writes it proposed are committed under the next leader; staying until they are applied here gives them an answer better than "unknown".
  while (given.some((replica) => replica.isLeader || replica.writes.size > 0) && clock.nowMs() < deadlineMs) {
    await new Promise<void>((resolve) => {
      clock.after(HAND_OVER_POLL_MS, resolve)
    })
  }
}

/** The voter that could lead at once: reachable, and furthest along. */
function mostCaughtUp(replica: Replica): number | undefined {
  let best: { readonly id: number; readonly matchIndex: number } | undefined
  for (const [id, progress] of replica.raft.status().progress ?? []) {
    const isVoter = replica.membership.voters.includes(id)
    if (id === replica.id || !isVoter || !progress.recentlyActive) continue
    if (best === undefined || progress.matchIndex > best.matchIndex) best = { id, matchIndex: progress.matchIndex }
  }
  return best?.id
}
