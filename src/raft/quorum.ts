/**
 * The arithmetic of majorities and of joint majorities (Raft §6), and nothing else: numbers in, numbers out. The tracker
 * calls it with what it believes of each voter.
 */

export type VoteOutcome = 'won' | 'lost' | 'pending'

/** The size of the smallest majority of `count` voters. */
export function quorumSize(count: number): number {
  return Math.floor(count / 2) + 1
}

/**
 * The largest index that a majority has reached; voters of whom nothing is known count as 0. Infinity for no voters, so
 * that an empty half of a joint configuration never holds the other one back. Sorts `indexes` in place.
 */
export function majorityIndex(indexes: number[]): number {
  const count = indexes.length
  if (count === 0) return Number.POSITIVE_INFINITY
  // Insertion sort: groups have three to seven voters, and no comparison function is called.
  for (let i = 1; i < count; i++) {
    const value = indexes[i] as number
    let j = i - 1
    while (j >= 0 && (indexes[j] as number) > value) {
      indexes[j + 1] = indexes[j] as number
      j -= 1
    }
    indexes[j + 1] = value
  }
  return indexes[count - quorumSize(count)] as number
}

/** In a joint configuration both majorities must have reached it (Raft §6). */
export function jointIndex(incoming: number, outgoing: number): number {
  return Math.min(incoming, outgoing)
}

/** No voters: won, for the same reason as above. */
export function majorityVote(granted: number, refused: number, count: number): VoteOutcome {
  if (count === 0) return 'won'
  const quorum = quorumSize(count)
  if (granted >= quorum) return 'won'
  return count - refused >= quorum ? 'pending' : 'lost'
}

export function jointVote(incoming: VoteOutcome, outgoing: VoteOutcome): VoteOutcome {
  if (incoming === outgoing) return incoming
  return incoming === 'lost' || outgoing === 'lost' ? 'lost' : 'pending'
}
