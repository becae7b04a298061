/**
 * Writes archives that every `tar` reads: plain files in the ustar format (POSIX.1-1988), in memory. It is all that a support bundle needs of tar.
 *
 * | offset | size | meaning                                                     |
 * |--------|------|-------------------------------------------------------------|
 * | 0      | 100  | name, ended by zero                                         |
 * | 100    | 8    | mode, octal digits and a zero; so are owner and group (108, 116) |
 * | 124    | 12   | bytes of content, octal                                     |
 * | 136    | 12   | seconds since 1970, octal                                   |
 * | 148    | 8    | sum of all bytes of the header, these eight taken as spaces |
 * | 156    | 1    | `0`: a file                                                 |
 * | 257    | 8    | `ustar`, zero, `00`                                         |
 *
 * The content follows in blocks of 512 bytes, the last one filled with zeros; two empty blocks end the archive.
 */
import { assert } from '../base/index.ts'

const BLOCK_BYTES = 512
const NAME_BYTES_MAX = 99

export interface TarFile {
  /** Printable ASCII, at most 99 bytes; `/` separates folders. */
  readonly name: string
  readonly content: Uint8Array
}

export function writeTar(files: readonly TarFile[], wallMs: number): Buffer {
  const blocks: Uint8Array[] = []
  for (const { name, content } of files) {
    blocks.push(header(name, content.length, Math.floor(wallMs / 1000)), content)
    const rest = content.length % BLOCK_BYTES
    if (rest > 0) blocks.push(Buffer.alloc(BLOCK_BYTES - rest))
  }
  blocks.push(Buffer.alloc(2 * BLOCK_BYTES))
  return Buffer.concat(blocks)
}

function header(name: string, bytes: number, seconds: number): Buffer {
  assert(/^[\x21-\x7e]+$/.test(name) && name.length <= NAME_BYTES_MAX, `${JSON.stringify(name)} cannot be in a tar`)
  const block = Buffer.alloc(BLOCK_BYTES)
  block.write(name, 0, 'latin1')
  block.write(octal(0o644, 7), 100, 'latin1')
  block.write(octal(0, 7), 108, 'latin1')
  block.write(octal(0, 7), 116, 'latin1')
  block.write(octal(bytes, 11), 124, 'latin1')
  block.write(octal(seconds, 11), 136, 'latin1')
  block.fill(' ', 148, 156)
  block.write('0', 156, 'latin1')
  block.write('ustar\0' + '00', 257, 'latin1')
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${octal(sum, 6)}\0 `, 148, 'latin1')
  return block
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0')
}
