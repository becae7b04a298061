/** Puts a new file in place in one step: whole or not at all, and over another one only where that is wanted. */
import { closeSync, openSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { CliError, EXIT } from '../cli/index.ts'

export interface NewFile {
  readonly file: string
  readonly text: string
  readonly mode: number
  readonly overwrite: boolean
}

/** Throws CliError where the file exists and stays, or cannot be written. */
export function writeNewFile({ file, text, mode, overwrite }: NewFile): void {
  try {
    if (!overwrite) {
      create(file, text, mode)
      return
    }
    const target = behindLinks(file)
    const temporary = path.join(path.dirname(target), `.${path.basename(target)}.${process.pid}`)
    create(temporary, text, mode)
    try {
      renameSync(temporary, target)
    } finally {
      rmSync(temporary, { force: true })
    }
  } catch (error) {
    throw refusal(file, error as NodeJS.ErrnoException)
  }
}

/** Refuses what exists; leaves nothing half written. */
function create(file: string, text: string, mode: number): void {
  const descriptor = openSync(file, 'wx', mode)
  try {
    writeFileSync(descriptor, text)
  } catch (error) {
    // Half a configuration would be in the way of the next attempt.
    rmSync(file, { force: true })
    throw error
  } finally {
    closeSync(descriptor)
  }
}

/** A link to a configuration that is kept elsewhere stays one. */
function behindLinks(file: string): string {
  try {
    return realpathSync(file)
  } catch {
    // There is nothing yet, or nothing that can be reached: writing says which.
    return file
  }
}

function refusal(file: string, error: NodeJS.ErrnoException): Error {
  const failed = (code: string, sentence: string, next: readonly string[] = []): CliError =>
    new CliError(EXIT.failed, code, sentence, next)
  switch (error.code) {
    case 'EEXIST':
      return failed('INVALID_ARGUMENT', `${file} exists and was left as it is`, [
        `flotilla config validate ${file}`,
        'flotilla init OTHER_FILE',
        'flotilla init --force',
      ])
    case 'ENOENT':
    case 'ENOTDIR':
      return failed('INVALID_ARGUMENT', `there is no directory ${path.dirname(file)}`, [
        `mkdir -p ${path.dirname(file)}`,
      ])
    case 'EISDIR':
      return failed('INVALID_ARGUMENT', `${file} is a directory`, [`flotilla init ${path.join(file, 'flotilla.yaml')}`])
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return failed('PERMISSION_DENIED', `${file} cannot be written by this user`)
    case 'ENOSPC':
      return failed('DISK_FULL', `${file} cannot be written: the disk is full`)
    default:
      return failed('ABORTED', `${file} cannot be written: ${error.message}`)
  }
}
