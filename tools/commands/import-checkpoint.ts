/**
 * How far an import has come, in a small file beside the one that is imported. It is written anew after every batch that the cluster has acknowledged, so an import that
 * was killed repeats at most the one batch that was on its way, and that one is compared first.
 */
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { UsageError } from '../cli/index.ts'

export interface Checkpoint {
  /** Of the file that is imported. */
  readonly size: number
  /** Everything before this byte is imported. */
  readonly offset: number
  readonly lines: number
  readonly keys: number
}

export const BEGINNING = { offset: 0, lines: 0, keys: 0 } as const

export class CheckpointFile {
  readonly path: string
  readonly #size: number

  /** `size` is that of `imported`, in bytes. */
  constructor(imported: string, size: number) {
    this.path = `${imported}.progress`
    this.#size = size
  }

  /** Undefined when there is none. Rejects with UsageError when it belongs to other content. */
  async read(): Promise<Checkpoint | undefined> {
    let text: string
    try {
      text = await readFile(this.path, 'utf8')
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
      throw error
    }
    const checkpoint = parse(text)
    if (checkpoint === undefined || checkpoint.size !== this.#size || checkpoint.offset > checkpoint.size)
      throw new UsageError(`${this.path} belongs to another file; without it the import starts over`)
    return checkpoint
  }

  async write(place: Omit<Checkpoint, 'size'>): Promise<void> {
    // Renamed, so that a crash leaves the old one or the new one.
    const temporary = `${this.path}.new`
    await writeFile(temporary, JSON.stringify({ size: this.#size, ...place }))
    await rename(temporary, this.path)
  }

  remove(): Promise<void> {
    return rm(this.path, { force: true })
  }
}

function parse(text: string): Checkpoint | undefined {
  try {
    const { size, offset, lines, keys } = JSON.parse(text) as Partial<Record<keyof Checkpoint, unknown>>
    if (!isCount(size) || !isCount(offset) || !isCount(lines) || !isCount(keys)) return undefined
    return { size, offset, lines, keys }
  } catch {
    // Somebody else's file.
    return undefined
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}
