/** The lines of former shells, newest first. Lines that hold a token are not kept, and only their owner can read the others. */
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import type { Context } from '../cli/index.ts'

export const HISTORY_LINES_MAX = 1_000

/** Undefined where FLOTILLA_HISTORY is empty: then nothing is kept. */
export function historyPath(env: Context['env']): string | undefined {
  const { FLOTILLA_HISTORY: chosen } = env
  if (chosen === '') return undefined
  return chosen ?? path.join(homedir(), '.flotilla_history')
}

export async function readHistory(file: string | undefined): Promise<string[]> {
  if (file === undefined) return []
  try {
    const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '')
    return lines.slice(-HISTORY_LINES_MAX).reverse()
  } catch (error) {
    if (error instanceof Error && 'code' in error) return []
    throw error
  }
}

/** `history` is newest first, as readline has it. A file that cannot be written is no reason to stop anybody. */
export async function writeHistory(file: string | undefined, history: readonly string[]): Promise<void> {
  if (file === undefined) return
  const lines = history.slice(0, HISTORY_LINES_MAX).filter((line) => !/--token\b/.test(line))
  try {
    await writeFile(file, `${[...lines].reverse().join('\n')}\n`, { mode: 0o600 })
    await chmod(file, 0o600)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
  }
}
