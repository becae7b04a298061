/**
 * What every command that starts databases works in: children that are all ended, and a directory that is gone, at the end, however it comes. Knows no
 * database.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ChildProcesses } from './child-processes.ts'

/** A killed child may finish a write after its death was ordered; then removing is tried again. */
const REMOVAL = { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }

/** Answers what `use` does. `parent` is where the directory for the data is made; what is measured wants it on a disk. */
export async function withServersAndData<T>(
  parent: string,
  use: (children: ChildProcesses, directory: string) => Promise<T>,
): Promise<T> {
  const children = new ChildProcesses()
  const directory = mkdtempSync(join(parent, 'flotilla-bench-'))
  const removeData = (): void => rmSync(directory, REMOVAL)
  // Runs after the children's own exit hook, which is older; so nothing writes there any more.
  process.on('exit', removeData)
  try {
    return await use(children, directory)
  } finally {
    children.close()
    removeData()
    process.off('exit', removeData)
  }
}
