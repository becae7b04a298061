/**
 * A look at the outline of a document before it is built: how deep it nests and how many parts it has. A few bytes can spell thousands of
 * nested or declared elements; parsers build them first and complain later. Called by `document.ts`.
 */
import { invalidArgument } from './failures.ts'

/** The deepest document the routes know has three levels; some more are the sender's business. */
const DEPTH_MAX = 16
/** Far above any batch; fits in memory whatever the parts are. */
const CONTAINERS_MAX = 16_384
/** A document this small cannot do harm, and is most often what comes. */
const HARMLESS_CHARS = 4096

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Throws INVALID_ARGUMENT when JSON nests deeper or has more arrays and objects than any request needs. Says nothing of its grammar. */
export function checkJsonShape(text: string): void {
  if (text.length <= HARMLESS_CHARS) return
  let depth = 0
  let containers = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === QUOTE) {
      i = endOfString(text, i)
    } else if (code === 0x5b || code === 0x7b) {
      depth++
      containers++
      if (depth > DEPTH_MAX || containers > CONTAINERS_MAX) throw tooComplex()
    } else if (code === 0x5d || code === 0x7d) {
      depth--
    }
  }
}

/** The index of the closing quote, or the end of the text. */
function endOfString(text: string, start: number): number {
  let i = text.indexOf('"', start + 1)
  while (i >= 0) {
    let backslashes = 0
    while (text.charCodeAt(i - 1 - backslashes) === BACKSLASH) backslashes++
    if (backslashes % 2 === 0) return i
    i = text.indexOf('"', i + 1)
  }
  return text.length
}

/**
 * Walks MessagePack without building anything. Throws INVALID_ARGUMENT when it is cut off, followed by more, nested too deeply, or claims
 * more elements than there are bytes.
 */
export function checkMsgpackShape(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  /** Elements still to come on each level. */
  const open: number[] = [1]
  let position = 0
  let containers = 0
  while (open.length > 0) {
    const remaining = open[open.length - 1] as number
    if (remaining === 0) {
      open.pop()
      continue
    }
    open[open.length - 1] = remaining - 1
    const head = readHead(view, position)
    if (head === undefined || head.next > bytes.length) throw invalidArgument('the body is not valid MessagePack')
    position = head.next
    if (head.elements > 0) {
      containers++
      if (head.elements > bytes.length - position) throw invalidArgument('the body is not valid MessagePack')
      if (open.length > DEPTH_MAX || containers > CONTAINERS_MAX) throw tooComplex()
      open.push(head.elements)
    }
  }
  if (position !== bytes.length) throw invalidArgument('the body is not one MessagePack document')
}

interface Head {
  /** Where the next element begins, payload skipped; may lie beyond the end. */
  readonly next: number
  /** Elements inside of an array or map (a map has two for each entry). */
  readonly elements: number
}

/** Reads the first byte of an element, and its length if it has one (MessagePack specification, section "Formats"). */
function readHead(view: DataView, at: number): Head | undefined {
  if (at >= view.byteLength) return undefined
  const type = view.getUint8(at)
  if (type <= 0x7f || type >= 0xe0) return { next: at + 1, elements: 0 }
  if (type <= 0x8f) return { next: at + 1, elements: (type & 0x0f) * 2 }
  if (type <= 0x9f) return { next: at + 1, elements: type & 0x0f }
  if (type <= 0xbf) return { next: at + 1 + (type & 0x1f), elements: 0 }
  const fixed = FIXED_PAYLOAD_BYTES.get(type)
  if (fixed !== undefined) return { next: at + 1 + fixed, elements: 0 }
  const lengthBytes = LENGTH_BYTES.get(type)
  if (lengthBytes === undefined || at + 1 + lengthBytes > view.byteLength) return undefined
  const length = readLength(view, at + 1, lengthBytes)
  const after = at + 1 + lengthBytes
  if (type === 0xdc || type === 0xdd) return { next: after, elements: length }
  if (type === 0xde || type === 0xdf) return { next: after, elements: length * 2 }
  const extensionTypeBytes = type >= 0xc7 && type <= 0xc9 ? 1 : 0
  return { next: after + extensionTypeBytes + length, elements: 0 }
}

function readLength(view: DataView, at: number, bytes: number): number {
  return bytes === 1 ? view.getUint8(at) : bytes === 2 ? view.getUint16(at) : view.getUint32(at)
}

/** nil, booleans, floats, integers and extensions of fixed size; 0xc1 is never used and therefore missing. */
const FIXED_PAYLOAD_BYTES: ReadonlyMap<number, number> = new Map([
  [0xc0, 0],
  [0xc2, 0],
  [0xc3, 0],
  [0xca, 4],
  [0xcb, 8],
  [0xcc, 1],
  [0xcd, 2],
  [0xce, 4],
  [0xcf, 8],
  [0xd0, 1],
  [0xd1, 2],
  [0xd2, 4],
  [0xd3, 8],
  [0xd4, 2],
  [0xd5, 3],
  [0xd6, 5],
  [0xd7, 9],
  [0xd8, 17],
])

/** bin, ext, str, array and map that say their length. */
const LENGTH_BYTES: ReadonlyMap<number, number> = new Map([
  [0xc4, 1],
  [0xc5, 2],
  [0xc6, 4],
  [0xc7, 1],
  [0xc8, 2],
  [0xc9, 4],
  [0xd9, 1],
  [0xda, 2],
  [0xdb, 4],
  [0xdc, 2],
  [0xdd, 4],
  [0xde, 2],
  [0xdf, 4],
])

function tooComplex(): Error {
  return invalidArgument('the body nests too deeply or has too many parts')
}
