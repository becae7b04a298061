/**
 * The answer of every checker. There is no third word beside a pass and a failure: a check that ran out of its budget has not passed, and says so.
 */
export type Verdict =
  | { readonly ok: true }
  /** `reason` is for people and may have many lines; `focus` says where in the history to look, where that is known. */
  | {
      readonly ok: false
      readonly kind: 'violation' | 'undecided'
      readonly reason: string
      readonly focus?: HistoryFocus
    }

/** The part of a history that a violation is about, in milliseconds of the history's clock. */
export interface HistoryFocus {
  readonly key: string
  readonly fromMs: number
  readonly toMs: number
}

export const PASSED: Verdict = { ok: true }

export function violation(reason: string, focus?: HistoryFocus): Verdict {
  return { ok: false, kind: 'violation', reason, ...(focus === undefined ? {} : { focus }) }
}

export function undecided(reason: string): Verdict {
  return { ok: false, kind: 'undecided', reason }
}

/** The first violation, or else the first check that could not decide, or else a pass. */
export function worstOf(verdicts: Iterable<Verdict>): Verdict {
  let worst = PASSED
  for (const verdict of verdicts) {
    if (verdict.ok) continue
    if (verdict.kind === 'violation') return verdict
    if (worst.ok) worst = verdict
  }
  return worst
}
