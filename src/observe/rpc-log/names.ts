/** The names of stores by number, for rows of one size: a JSON list beside them that only grows. */
import { readFile, rename, writeFile } from 'node:fs/promises'

/** Numbers have two bytes. */
const NAMES_MAX = 65_535

export class Names {
  readonly #path: string | undefined
  readonly #names: string[]
  readonly #numbers: Map<string, number>
  #isDirty = false

  private constructor(path: string | undefined, names: string[]) {
    this.#path = path
    this.#names = names
    this.#numbers = new Map(names.map((name, number) => [name, number]))
  }

  static async open(path: string | undefined): Promise<Names> {
    return new Names(path, path === undefined ? [] : await readNames(path))
  }

  number(name: string): number {
    const known = this.#numbers.get(name)
    if (known !== undefined) return known
    if (this.#names.length >= NAMES_MAX) return 0
    this.#isDirty = true
    this.#numbers.set(name, this.#names.length)
    return this.#names.push(name) - 1
  }

  name(number: number): string {
    return this.#names[number] ?? '?'
  }

  /** Before the rows that need them. */
  async save(): Promise<void> {
    if (!this.#isDirty || this.#path === undefined) return
    this.#isDirty = false
    await writeFile(`${this.#path}.new`, JSON.stringify(this.#names))
    await rename(`${this.#path}.new`, this.#path)
  }
}

async function readNames(path: string): Promise<string[]> {
  try {
    const names: unknown = JSON.parse(await readFile(path, 'utf8'))
    return Array.isArray(names) && names.every((name) => typeof name === 'string') ? names : []
  } catch (error) {
    // Rows without their names are still worth keeping.
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
