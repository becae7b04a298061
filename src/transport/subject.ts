/**
 * Subjects: `flotilla.<clusterId>.<lane letter>.<address>`, one per listener and channel. Ids become tokens of NATS subjects, so they
 * must not contain what has a meaning there. Operators grant permissions on `flotilla.<clusterId>.>`.
 */
import { type Channel, channelLetter } from './channels.ts'
import { TRANSPORT_LIMITS } from './limits.ts'
import { TransportError } from './transport-error.ts'

/** One token of a subject: printable ASCII without blanks, separators and wildcards. */
const TOKEN = /^[!-)+-\-/-=?-~]+$/

export function isAddress(text: string): boolean {
  return text.length <= TRANSPORT_LIMITS.addressCharsMax && TOKEN.test(text)
}

/** Throws TransportError `BAD_ID` when `text` cannot be part of a subject. */
export function checkId(what: string, text: string): void {
  if (isAddress(text)) return
  throw new TransportError(
    'BAD_ID',
    `${what} ${JSON.stringify(text)} cannot be used in NATS subjects: use 1 to ${TRANSPORT_LIMITS.addressCharsMax} printable ` +
      'ASCII characters other than blank, ".", "*" and ">"',
  )
}

export function subjectOf(clusterId: string, channel: Channel, address: string): string {
  return `flotilla.${clusterId}.${channelLetter(channel)}.${address}`
}
