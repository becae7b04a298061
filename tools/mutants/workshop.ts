/**
 * A private copy of the sources in which one bug at a time is planted and taken out again. The sources themselves are only read. The copy has the
 * repository's packages by a link, and goes when the workshop closes or the process ends.
 */
import { createHash } from 'node:crypto'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Mutant } from './mutant.ts'

const COPIED = ['src', 'shard-map', 'test', 'tools', 'bench', 'package.json', 'tsconfig.json', 'README.md']

export class Workshop {
  readonly directory: string
  readonly #close = (): void => rmSync(this.directory, { recursive: true, force: true })

  constructor(root: string) {
    this.directory = mkdtempSync(path.join(tmpdir(), 'flotilla-mutants-'))
    process.once('exit', this.#close)
    for (const name of COPIED) cpSync(path.join(root, name), path.join(this.directory, name), { recursive: true })
    symlinkSync(path.join(root, 'node_modules'), path.join(this.directory, 'node_modules'))
  }

  /** Names the sources, or those of them that are asked for: what was found in others says nothing about these. */
  fingerprint(isAsked: (file: string) => boolean = () => true): string {
    const hash = createHash('sha256')
    for (const file of this.#files())
      if (isAsked(file)) hash.update(file).update(readFileSync(path.join(this.directory, file)))
    return hash.digest('hex').slice(0, 16)
  }

  /** Every file, in order, by its path from the root. */
  #files(): string[] {
    const listed = COPIED.flatMap((name) => {
      const full = path.join(this.directory, name)
      if (!statSync(full).isDirectory()) return [name]
      return readdirSync(full, { recursive: true, encoding: 'utf8' }).map((file) => path.posix.join(name, file))
    })
    return listed.filter((file) => statSync(path.join(this.directory, file)).isFile()).sort()
  }

  /** Runs `work` while the bug is in the copy. */
  with<T>(mutant: Mutant, work: () => Promise<T>): Promise<T> {
    return this.edit(mutant.file, (source) => plant(mutant, source), work)
  }

  /** Runs `work` while a file of the copy says something else. */
  async edit<T>(file: string, change: (source: string) => string, work: () => T | Promise<T>): Promise<T> {
    const full = path.join(this.directory, file)
    const original = readFileSync(full, 'utf8')
    writeFileSync(full, change(original))
    try {
      return await work()
    } finally {
      writeFileSync(full, original)
    }
  }

  close(): void {
    process.off('exit', this.#close)
    this.#close()
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
