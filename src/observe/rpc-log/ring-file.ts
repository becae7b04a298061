/**
 * A file of rows of one size that overwrites its oldest: the row with sequence n has its place at n modulo the capacity. A row that a crash tore fails its
 * checksum and does not exist. With another capacity the file is written anew with the newest rows. Without a path it lives in memory.
 *
 *   0   4  "FRPC"     4  4  format: 2     8  4  bytes of a row     12  4  capacity in rows     16  48  0     64  rows
 */
import { type FileHandle, open, readFile, rename, writeFile } from 'node:fs/promises'
import { ROW_BYTES, type Row, readRow } from './row.ts'

const HEADER_BYTES = 64
const FORMAT = 2
const BLOCK_ROWS = 2_048

/** What rows are kept in. */
interface Room {
  read(position: number, bytes: number): Promise<Buffer>
  write(position: number, bytes: Buffer): Promise<void>
  close(): Promise<void>
}

export class RingFile {
  readonly capacity: number
  readonly #room: Room
  /** Of the next row. */
  #next: number

  private constructor(room: Room, capacity: number, next: number) {
    this.#room = room
    this.capacity = capacity
    this.#next = next
  }

  /** Rejects with the file system's error. A file that is none of ours is replaced. */
  static async open(path: string | undefined, capacity: number): Promise<RingFile> {
    if (path === undefined) return new RingFile(memoryRoom(capacity * ROW_BYTES), capacity, 1)
    const { rows, isCurrent } = await readAll(path, capacity)
    const last = rows.at(-1)
    if (!isCurrent) await rewrite(path, capacity, rows.slice(-capacity))
    return new RingFile(fileRoom(await open(path, 'r+')), capacity, (last?.row.sequence ?? 0) + 1)
  }

  get next(): number {
    return this.#next
  }

  /** Rows that are there, as far as their number tells. */
  get rows(): number {
    return Math.min(this.#next - 1, this.capacity)
  }

  /** Appends rows that carry the sequences from `next` on. */
  async append(rows: Buffer): Promise<void> {
    let first = this.#next
    // More than the whole ring: the oldest of them would be overwritten at once.
    const skipped = Math.max(0, rows.length / ROW_BYTES - this.capacity)
    let from = skipped * ROW_BYTES
    first += skipped
    this.#next += rows.length / ROW_BYTES
    while (from < rows.length) {
      const place = first % this.capacity
      const count = Math.min(this.capacity - place, (rows.length - from) / ROW_BYTES)
      await this.#room.write(place * ROW_BYTES, rows.subarray(from, from + count * ROW_BYTES))
      from += count * ROW_BYTES
      first += count
    }
  }

  /** Newest first, until `visit` says false. */
  async backward(visit: (row: Row) => boolean): Promise<void> {
    let end = this.#next
    const begin = Math.max(1, end - this.capacity)
    while (end > begin) {
      const lastPlace = (end - 1) % this.capacity
      const count = Math.min(BLOCK_ROWS, lastPlace + 1, end - begin)
      const block = await this.#room.read((lastPlace + 1 - count) * ROW_BYTES, count * ROW_BYTES)
      const view = viewOf(block)
      for (let i = count - 1; i >= 0; i--) {
        const row = readRow(view, i * ROW_BYTES)
        // Overwritten while this was reading, or torn.
        if (row === undefined || row.sequence !== end - count + i) continue
        if (!visit(row)) return
      }
      end -= count
    }
  }

  close(): Promise<void> {
    return this.#room.close()
  }
}

interface FoundRow {
  readonly row: Row
  readonly bytes: Buffer
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** All whole rows in the order of their sequence. */
async function readAll(path: string, capacity: number): Promise<{ rows: FoundRow[]; isCurrent: boolean }> {
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { rows: [], isCurrent: false }
    throw error
  }
  const isOurs =
    bytes.length >= HEADER_BYTES &&
    bytes.toString('latin1', 0, 4) === 'FRPC' &&
    bytes.readUInt32LE(4) === FORMAT &&
    bytes.readUInt32LE(8) === ROW_BYTES
  if (!isOurs) return { rows: [], isCurrent: false }
  const rows: FoundRow[] = []
  const view = viewOf(bytes)
  for (let offset = HEADER_BYTES; offset + ROW_BYTES <= bytes.length; offset += ROW_BYTES) {
    const row = readRow(view, offset)
    if (row !== undefined) rows.push({ row, bytes: bytes.subarray(offset, offset + ROW_BYTES) })
  }
  rows.sort((left, right) => left.row.sequence - right.row.sequence)
  return { rows, isCurrent: bytes.readUInt32LE(12) === capacity }
}

async function rewrite(path: string, capacity: number, rows: readonly FoundRow[]): Promise<void> {
  const bytes = Buffer.alloc(HEADER_BYTES + capacity * ROW_BYTES)
  bytes.write('FRPC', 0, 'latin1')
  bytes.writeUInt32LE(FORMAT, 4)
  bytes.writeUInt32LE(ROW_BYTES, 8)
  bytes.writeUInt32LE(capacity, 12)
  let end = HEADER_BYTES
  for (const { row, bytes: rowBytes } of rows) {
    const at = HEADER_BYTES + (row.sequence % capacity) * ROW_BYTES
    rowBytes.copy(bytes, at)
    end = Math.max(end, at + ROW_BYTES)
  }
  // What was never written need not be in the file.
  await writeFile(`${path}.new`, bytes.subarray(0, end))
  await rename(`${path}.new`, path)
}

function fileRoom(file: FileHandle): Room {
  return {
    async read(position, length) {
      const buffer = Buffer.alloc(length)
      await file.read(buffer, 0, length, HEADER_BYTES + position)
      return buffer
    },
    async write(position, bytes) {
      await file.write(bytes, 0, bytes.length, HEADER_BYTES + position)
    },
    close: () => file.close(),
  }
}

function memoryRoom(bytes: number): Room {
  const memory = Buffer.alloc(bytes)
  return {
    read: async (position, length) => memory.subarray(position, position + length),
    async write(position, source) {
      source.copy(memory, position)
    },
    close: async () => {},
  }
}
