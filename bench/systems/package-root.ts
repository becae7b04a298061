/** Where this package lies, whether the benchmark runs from its sources or compiled under `dist`. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { OperatingError } from '../operating-error.ts'

export function packageRoot(): string {
  let directory = import.meta.dirname
  while (!existsSync(join(directory, 'package.json'))) {
    const parent = dirname(directory)
    if (parent === directory) throw new OperatingError(`no package.json above ${import.meta.dirname}`)
    directory = parent
  }
  return directory
}
