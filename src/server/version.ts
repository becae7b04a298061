import { readFileSync } from 'node:fs'

/** The version in package.json, wherever this file runs from: the sources, or the compiled tree one level deeper. */
export const VERSION: string = readVersion()

function readVersion(): string {
  for (const relative of ['../../package.json', '../../../package.json']) {
    try {
      const parsed = JSON.parse(readFileSync(new URL(relative, import.meta.url), 'utf8')) as {
        name?: string
        version?: string
      }
      if (parsed.name === 'flotilla' && parsed.version !== undefined) return parsed.version
    } catch {
      // Not there: the other place is.
    }
  }
  return '0.0.0'
}
