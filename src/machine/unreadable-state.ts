/**
 * A state that a machine of this release cannot read: a newer release has saved it, or it is damaged. Whoever restores machines throws it; where the state came
 * with a snapshot, that is refused, and where it is the replica's own, the store does not start.
 */
export class UnreadableStateError extends Error {
  override readonly name = 'UnreadableStateError'
  readonly code = 'UNSUPPORTED_VERSION'

  /** `whose` and `reason` are parts of a sentence; the reason names the format. Cure: upgrade this store. */
  constructor(whose: string, reason: string) {
    super(
      `the saved state of ${whose} cannot be read: ${reason}; if a newer release has written it, upgrade this store`,
    )
  }
}
