/** Lines of NDJSON in files and streams, with the places where they end, so that work that was interrupted can go on. */
import type { FileHandle } from 'node:fs/promises'

export interface Line {
  readonly text: string
  /** Counted from 1. */
  readonly number: number
  /** Where the next line begins, in bytes from the beginning. */
  readonly endOffset: number
}

const NEWLINE = 0x0a
const BLOCK_BYTES = 64 * 1024

/** All lines; the last one may lack its end. `offset` and `number` are those of the first. */
export async function* linesOf(chunks: AsyncIterable<Buffer>, offset = 0, number = 1): AsyncGenerator<Line> {
  let begun: Buffer[] = []
  let at = offset
  let count = number
  for await (const chunk of chunks) {
    let from = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      const bytes = Buffer.concat([...begun, chunk.subarray(from, end)])
      begun = []
      at += bytes.length + 1
      from = end + 1
      yield { text: bytes.toString('utf8'), number: count++, endOffset: at }
    }
    if (from < chunk.length) begun.push(chunk.subarray(from))
  }
  const rest = Buffer.concat(begun)
  if (rest.length > 0) yield { text: rest.toString('utf8'), number: count, endOffset: at + rest.length }
}

/** The last line of a file that has its end, and how many bytes the file has up to there; what follows is the torn beginning of another. */
export async function lastWholeLine(file: FileHandle): Promise<{ text: string | undefined; endOffset: number }> {
  const { size } = await file.stat()
  let tail = Buffer.alloc(0)
  let begin = size
  for (;;) {
    const end = tail.lastIndexOf(NEWLINE)
    const start = end < 0 ? -1 : tail.lastIndexOf(NEWLINE, end - 1)
    // A newline at the very beginning of the tail ends an empty line, which nobody writes.
    if (end > 0 && (start >= 0 || begin === 0)) {
      return { text: tail.subarray(start + 1, end).toString('utf8'), endOffset: begin + end + 1 }
    }
    if (begin === 0) return { text: undefined, endOffset: 0 }
    const length = Math.min(BLOCK_BYTES, begin)
    begin -= length
    const block = Buffer.alloc(length)
    await file.read(block, 0, length, begin)
    tail = Buffer.concat([block, tail])
  }
}
