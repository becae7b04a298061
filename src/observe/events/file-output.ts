/**
 * Events as JSON lines in a file that starts anew when it is full: the full one becomes `name.1`, that one `name.2`, and so on; the oldest goes. Diagnostics:
 * nothing here waits for the disk, and a line may be lost with the machine.
 */
import { appendFile, mkdir, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import type { EventOutput } from './event.ts'

export interface FileOutputOptions {
  readonly path: string
  readonly bytesMax?: number
  /** Full files that are kept beside the current one. */
  readonly keep?: number
}

const BYTES_MAX = 16 * 1024 * 1024
const KEEP = 4

export function fileOutput(options: FileOutputOptions): EventOutput {
  const { bytesMax = BYTES_MAX, keep = KEEP } = options
  let bytes: number | undefined
  return {
    name: `file ${path.basename(options.path)}`,
    async write(events): Promise<void> {
      bytes ??= await begin(options.path)
      const text = events.map((event) => `${JSON.stringify(event)}\n`).join('')
      if (bytes > 0 && bytes + text.length > bytesMax) {
        await rotate(options.path, keep)
        bytes = 0
      }
      await appendFile(options.path, text)
      bytes += Buffer.byteLength(text)
    },
  }
}

async function begin(file: string): Promise<number> {
  await mkdir(path.dirname(file), { recursive: true })
  return sizeOf(file)
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0
    throw error
  }
}

async function rotate(file: string, keep: number): Promise<void> {
  await rm(`${file}.${keep}`, { force: true })
  for (let age = keep - 1; age >= 0; age--) {
    const from = age === 0 ? file : `${file}.${age}`
    try {
      await rename(from, keep === 0 ? `${file}.0` : `${file}.${age + 1}`)
    } catch (error) {
      // There were not that many yet.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  if (keep === 0) await rm(file, { force: true })
}
