/**
 * Cursors of paged lists: where the next page begins, bound to the query that made them. Opaque to clients, but not secret: what they
 * claim is checked against the query they come back with.
 *
 *   offset  size  meaning
 *   0       1     format, 1
 *   1       4     checksum of query and position, big-endian
 *   5       rest  position: the bytes of a key or of another list's position
 */
import { latin1ToBytes } from '../base/index.ts'
import { invalidArgument } from './failures.ts'
import { base64UrlDecode } from './percent.ts'

const FORMAT = 1
const HEAD_BYTES = 5

/** `query` is any text that differs between queries; `position` has code units 0 to 255. */
export function encodeCursor(query: string, position: string): string {
  const bytes = Buffer.alloc(HEAD_BYTES + position.length)
  bytes[0] = FORMAT
  bytes.writeUInt32BE(checksum(query, position), 1)
  bytes.set(latin1ToBytes(position), HEAD_BYTES)
  return bytes.toString('base64url')
}

/** The position; throws INVALID_ARGUMENT when the text is no cursor, or one of another query. */
export function decodeCursor(query: string, text: string): string {
  const decoded = base64UrlDecode(text)
  if (decoded === undefined || decoded.length < HEAD_BYTES || decoded.charCodeAt(0) !== FORMAT) {
    throw invalidArgument('the cursor is malformed', CURE)
  }
  const position = decoded.slice(HEAD_BYTES)
  if (Buffer.from(decoded, 'latin1').readUInt32BE(1) !== checksum(query, position)) {
    throw invalidArgument('the cursor belongs to another query', CURE)
  }
  return position
}

const CURE = 'Send the same query again with the cursor of its last answer, or leave the cursor out.'

/** FNV-1a over both, with a separator that cannot move: the length of the first. */
function checksum(query: string, position: string): number {
  const text = `${query.length}:${query}${position}`
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
