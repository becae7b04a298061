/**
 * The events of a store on disk, bounded: segments of JSON lines that are deleted from the oldest on. It is an output of the bus and answers queries. What
 * a crash tore off is one line at the end of a segment, which readers pass by. Nothing here waits for the disk to be durable: it is for people.
 *
 *   events/000000000001.jsonl    one event a line, oldest first; the highest number is being written
 */
import { appendFile, mkdir, readdir, readFile, rm, stat, truncate } from 'node:fs/promises'
import path from 'node:path'
import type { Event, EventFilter, EventOutput } from './event.ts'
import { passes } from './filter.ts'

export interface EventHistoryOptions {
  /** Undefined: only what memory holds. */
  readonly directory: string | undefined
  readonly segmentBytes?: number
  readonly segmentsMax?: number
  /** Events kept in memory where there is no directory. */
  readonly memoryMax?: number
}

export const SEGMENT_BYTES = 1024 * 1024
/** With the bytes above: a hundred thousand events or so. */
const SEGMENTS_MAX = 32
const MEMORY_MAX = 2_000
const SEGMENT_NAME = /^(\d{12})\.jsonl$/
const NEWLINE = 0x0a

export class EventHistory implements EventOutput {
  readonly name = 'history'
  readonly #directory: string | undefined
  readonly #segmentBytes: number
  readonly #segmentsMax: number
  readonly #memoryMax: number
  readonly #memory: Event[] = []
  /** Ascending; the last is being written. */
  #segments: number[] = []
  #bytes = 0
  #writing: Promise<void> = Promise.resolve()

  private constructor(options: EventHistoryOptions) {
    this.#directory = options.directory
    this.#segmentBytes = options.segmentBytes ?? SEGMENT_BYTES
    this.#segmentsMax = Math.max(1, options.segmentsMax ?? SEGMENTS_MAX)
    this.#memoryMax = options.memoryMax ?? MEMORY_MAX
  }

  /** Takes up what is there. Rejects with the file system's error when the directory cannot be used. */
  static async open(options: EventHistoryOptions): Promise<EventHistory> {
    const history = new EventHistory(options)
    if (options.directory !== undefined) await history.#begin(options.directory)
    return history
  }

  write(events: readonly Event[]): void | Promise<void> {
    if (this.#directory === undefined) {
      this.#memory.push(...events)
      this.#memory.splice(0, Math.max(0, this.#memory.length - this.#memoryMax))
      return
    }
    const text = events.map((event) => `${JSON.stringify(event)}\n`).join('')
    const written = this.#append(this.#directory, Buffer.from(text))
    // Readers wait for it, whether it went well or not; the bus hears of a failure.
    this.#writing = written.catch(() => {})
    return written
  }

  /** The newest `limit` events that pass, newest first. */
  async query(filter: EventFilter, limit: number): Promise<Event[]> {
    const found: Event[] = []
    const take = (event: Event): boolean => {
      if (filter.sinceMs !== undefined && Date.parse(event.ts) < filter.sinceMs) return false
      if (passes(event, filter)) found.push(event)
      return found.length < limit
    }
    if (this.#directory === undefined) {
      for (let i = this.#memory.length - 1; i >= 0 && take(this.#memory[i] as Event); i--);
      return found
    }
    await this.#writing
    for (const segment of [...this.#segments].reverse()) {
      const lines = (await readSegment(this.#file(segment))).split('\n')
      for (let i = lines.length - 1; i >= 0; i--) {
        const event = parseLine(lines[i] as string)
        if (event !== undefined && !take(event)) return found
      }
    }
    return found
  }

  async close(): Promise<void> {
    await this.#writing
  }

  async #begin(directory: string): Promise<void> {
    await mkdir(directory, { recursive: true })
    const numbers = (await readdir(directory)).flatMap((name) => {
      const match = SEGMENT_NAME.exec(name)
      return match === null ? [] : [Number(match[1])]
    })
    this.#segments = numbers.sort((a, b) => a - b)
    const last = this.#segments.at(-1)
    if (last === undefined) {
      this.#segments = [1]
      return
    }
    const file = this.#file(last)
    const bytes = await readFile(file)
    // A torn line would swallow the next one.
    this.#bytes = bytes.lastIndexOf(NEWLINE) + 1
    if (this.#bytes < bytes.length) await truncate(file, this.#bytes)
    await this.#forget()
  }

  async #append(directory: string, bytes: Buffer): Promise<void> {
    await this.#writing
    if (this.#bytes > 0 && this.#bytes + bytes.length > this.#segmentBytes) {
      this.#segments.push((this.#segments.at(-1) ?? 0) + 1)
      this.#bytes = 0
      await this.#forget()
    }
    const file = this.#file(this.#segments.at(-1) ?? 1)
    try {
      await appendFile(file, bytes)
      this.#bytes += bytes.length
    } catch (error) {
      // It may have written a part: the next line must not continue it. Somebody may also have removed the directory.
      await mkdir(directory, { recursive: true })
      this.#bytes = await cutTornLine(file)
      throw error
    }
  }

  async #forget(): Promise<void> {
    while (this.#segments.length > this.#segmentsMax) {
      const oldest = this.#segments.shift() as number
      await rm(this.#file(oldest), { force: true })
    }
  }

  #file(segment: number): string {
    return path.join(this.#directory ?? '', `${String(segment).padStart(12, '0')}.jsonl`)
  }
}

async function cutTornLine(file: string): Promise<number> {
  const text = await readSegment(file)
  const bytes = Buffer.byteLength(text.slice(0, text.lastIndexOf('\n') + 1))
  if (text !== '' && bytes < (await stat(file)).size) await truncate(file, bytes)
  return bytes
}

/** Empty when rotation has just taken the file away. */
async function readSegment(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}

/** Undefined for what a crash or an accident has made of a line. */
function parseLine(line: string): Event | undefined {
  if (line === '') return undefined
  try {
    const event = JSON.parse(line) as Partial<Event> | null
    return typeof event?.type === 'string' && typeof event.ts === 'string' ? (event as Event) : undefined
  } catch {
    // Torn or damaged: the other lines are still worth showing.
    return undefined
  }
}
