/**
 * Makes a directory and those above it that are missing, one level after the other. Node's own recursive way never comes back where a parent is there and yet nothing can
 * be made in it, as in `/proc`.
 */
import fs from 'node:fs'
import path from 'node:path'

/** The topmost one that was made; undefined when the directory was there. Throws system errors, ENOENT among them for such a parent. */
export function makeDirectory(directory: string): string | undefined {
  try {
    fs.mkdirSync(directory)
    return directory
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && fs.statSync(directory).isDirectory()) return undefined
    const parent = path.dirname(directory)
    if (code !== 'ENOENT' || parent === directory || fs.existsSync(parent)) throw error
    const first = makeDirectory(parent)
    fs.mkdirSync(directory)
    return first ?? directory
  }
}
