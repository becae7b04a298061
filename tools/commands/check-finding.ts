/** What a check looked at, and whether it is as it should be. */
export interface Finding {
  readonly what: string
  readonly ok: boolean
  readonly detail: string
}

/** Nothing in `problems` is good news; `fine` says so. */
export function finding(what: string, problems: readonly string[], fine: string): Finding {
  const shown = problems.slice(0, SHOWN_MAX).join('; ')
  const rest = problems.length > SHOWN_MAX ? `; and ${problems.length - SHOWN_MAX} more` : ''
  return { what, ok: problems.length === 0, detail: problems.length === 0 ? fine : `${shown}${rest}` }
}

const SHOWN_MAX = 5
