/**
 * The request headers every route shares: request id, deadline, trace context, and what kind of answer the caller wants. Pure
 * functions of header values.
 */
import { LIMITS } from '../base/index.ts'
import { invalidArgument } from './failures.ts'

const SANE_REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/

/** Whether a caller's own request id can be echoed: it goes into headers and logs, so only harmless characters. */
export function isSaneRequestId(value: string): boolean {
  return SANE_REQUEST_ID.test(value)
}

/** `Flotilla-Timeout-Ms`; throws INVALID_ARGUMENT outside of its range. */
export function parseTimeoutMs(value: string): number {
  const milliseconds = /^[0-9]{1,5}$/.test(value) ? Number(value) : 0
  if (milliseconds < 1 || milliseconds > LIMITS.requestTimeoutMsMax) {
    throw invalidArgument(`Flotilla-Timeout-Ms is a whole number from 1 to ${LIMITS.requestTimeoutMsMax}`)
  }
  return milliseconds
}

/**
 * Which of `offers` an Accept header likes best (RFC 9110 section 12.5.1); the first one when it likes several equally or none at all,
 * because an answer of another type helps more than a refusal.
 */
export function preferredType(accept: string | undefined, offers: readonly [string, ...string[]]): string {
  if (accept === undefined || accept === '*/*') return offers[0]
  const ranges = accept.split(',').map(parseRange)
  let best: string = offers[0]
  let bestQuality = qualityOf(best, ranges)
  for (const offer of offers) {
    const quality = qualityOf(offer, ranges)
    if (quality > bestQuality) {
      best = offer
      bestQuality = quality
    }
  }
  return best
}

interface MediaRange {
  readonly type: string
  readonly quality: number
}

function parseRange(text: string): MediaRange {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
  const weight = parameters.find((parameter) => parameter.startsWith('q='))
  const quality = weight === undefined ? 1 : Number(weight.slice(2))
  return { type, quality: quality >= 0 && quality <= 1 ? quality : 0 }
}

/** The quality that the most specific matching range gives. */
function qualityOf(offer: string, ranges: readonly MediaRange[]): number {
  const family = `${offer.slice(0, offer.indexOf('/'))}/*`
  for (const wanted of [offer, family, '*/*']) {
    const range = ranges.find((candidate) => candidate.type === wanted)
    if (range !== undefined) return range.quality
  }
  return 0
}
