/**
 * A private copy of the sources in which one bug at a time is planted and taken out again. The sources themselves are only read. The copy has the
 * repository's packages by a link, and goes when the workshop closes.
 */
import { createHash } from 'node:crypto'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Mutant } from './mutant.ts'

const COPIED = ['src', 'shard-map', 'test', 'tools', 'bench', 'package.json', 'tsconfig.json', 'README.md']

export class Workshop {
  readonly directory: string

  constructor(root: string) {
    this.directory = mkdtempSync(path.join(tmpdir(), 'flotilla-mutants-'))
    for (const name of COPIED) cpSync(path.join(root, name), path.join(this.directory, name), { recursive: true })
    symlinkSync(path.join(root, 'node_modules'), path.join(this.directory, 'node_modules'))
  }

  /** Names the sources: what was found without any bug in others says nothing about these. */
  fingerprint(): string {
    const hash = createHash('sha256')
    for (const name of COPIED) {
      const full = path.join(this.directory, name)
      const files = statSync(full).isDirectory()
        ? readdirSync(full, { recursive: true, encoding: 'utf8' }).map((file) => path.join(full, file))
        : [full]
      for (const file of files.sort())
        if (statSync(file).isFile()) hash.update(file.slice(this.directory.length)).update(readFileSync(file))
    }
    return hash.digest('hex').slice(0, 16)
  }

  /** Runs `work` while the bug is in the copy. */
  async with<T>(mutant: Mutant, work: () => Promise<T>): Promise<T> {
    const file = path.join(this.directory, mutant.file)
    const original = readFileSync(file, 'utf8')
    writeFileSync(file, plant(mutant, original))
    try {
      return await work()
    } finally {
      writeFileSync(file, original)
    }
  }

  close(): void {
    rmSync(this.directory, { recursive: true, force: true })
  }
}

/** How often the text that a bug replaces occurs; a list that is up to date says 1. */
export function placesOf(mutant: Mutant, source: string): number {
  return source.split(mutant.before).length - 1
}

/** The source with the bug in it. Throws when it is not clear where. */
export function plant(mutant: Mutant, source: string): string {
  const places = placesOf(mutant, source)
  if (places !== 1) throw new Error(`${mutant.id}: its text occurs ${places} times in ${mutant.file}`)
  // Not `replace` with a string: that gives `$` a meaning.
  return source.split(mutant.before).join(mutant.after)
}
