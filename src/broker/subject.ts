/**
 * The rules of subjects: which are well formed, and which literal subject a pattern matches. Pure text functions; how many patterns are
 * searched at once is the business of the subscription index. A subject is held as latin1 text, one code unit per byte received, so that
 * any bytes travel unchanged.
 */

/** A subject to subscribe to: tokens that are not empty, separated by dots; `>` as a whole token only at the end. */
export function isValidSubscriptionSubject(subject: string): boolean {
  if (subject.length === 0) return false
  const tokens = subject.split('.')
  const last = tokens.length - 1
  return tokens.every((token, i) => token !== '' && (token !== '>' || i === last))
}

/** A subject to publish to: as above, and without a wildcard. Only clients that asked for pedantry are told otherwise. */
export function isValidPublishSubject(subject: string): boolean {
  return isValidSubscriptionSubject(subject) && !hasWildcard(subject)
}

/** Whether a token of the subject is `*` or `>`. Inside a longer token those are ordinary characters. */
export function hasWildcard(subject: string): boolean {
  if (!subject.includes('*') && !subject.includes('>')) return false
  return subject.split('.').some((token) => token === '*' || token === '>')
}

/** Whether `pattern` covers `subject`: `*` stands for exactly one token, a last `>` for one or more. */
export function subjectMatches(pattern: string, subject: string): boolean {
  const patternTokens = pattern.split('.')
  const tokens = subject.split('.')
  for (const [i, patternToken] of patternTokens.entries()) {
    const token = tokens[i]
    if (token === undefined) return false
    if (patternToken === '>' && i === patternTokens.length - 1) return true
    if (patternToken !== '*' && patternToken !== token) return false
  }
  return patternTokens.length === tokens.length
}
