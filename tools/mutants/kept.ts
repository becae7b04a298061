/**
 * The file that keeps verdicts between runs, outside of the repository: one JSON object a line, later lines win. A verdict stands as long as its evidence does:
 * the planted bug, the file it is planted in, and who caught it (a test file with what it imports under `test/`, or the simulator). Where nobody noticed, that is
 * the whole of the sources. A change elsewhere could blind a check without being seen here; a run without `--resume` asks everybody again.
 */
import { createHash } from 'node:crypto'
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { Catches, Costs } from './hunt.ts'
import type { Mutant } from './mutant.ts'
import type { Workshop } from './workshop.ts'

export interface Verdict extends Catches {
  readonly id: string
  /** Names what the verdict rests on. Absent in verdicts of older lists, which are hints and no more. */
  readonly evidence?: string | undefined
}

interface FileCost {
  readonly file: string
  readonly ms: number
}

const SIMULATOR_SOURCES = ['src/testing', 'tools/sim']

export class KeptVerdicts implements Costs {
  readonly #file: string
  readonly #verdicts: Map<string, Verdict>
  readonly #costs: Map<string, number>

  constructor(file: string) {
    this.#file = file
    const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
    this.#verdicts = new Map(parseVerdicts(text))
    this.#costs = new Map(parseLines(text).flatMap((line) => ('file' in line ? [[line.file, line.ms]] : [])))
    mkdirSync(path.dirname(file), { recursive: true })
  }

  /** The last verdict, whether it stands or not. */
  verdict(id: string): Verdict | undefined {
    return this.#verdicts.get(id)
  }

  keep(verdict: Verdict): void {
    this.#verdicts.set(verdict.id, verdict)
    appendFileSync(this.#file, formatVerdict(verdict))
  }

  /** Whether the verdict would be the same, as far as its evidence says. */
  stands(mutant: Mutant, workshop: Workshop): boolean {
    const verdict = this.#verdicts.get(mutant.id)
    return verdict?.evidence !== undefined && verdict.evidence === evidenceOf(mutant, verdict, workshop)
  }

  get(file: string): number | undefined {
    return this.#costs.get(file)
  }

  set(file: string, ms: number): void {
    this.#costs.set(file, ms)
    const line: FileCost = { file, ms: Math.round(ms) }
    appendFileSync(this.#file, `${JSON.stringify(line)}\n`)
  }
}

/** Names what a verdict rests on. The workshop must hold the sources without the bug. */
export function evidenceOf(mutant: Mutant, { simulation, tests }: Catches, workshop: Workshop): string {
  const files = tests === undefined ? new Set<string>() : importedByTest(workshop, tests)
  const folders = simulation === undefined ? [] : SIMULATOR_SOURCES
  const isOf = (file: string): boolean => files.has(file) || folders.some((folder) => file.startsWith(`${folder}/`))
  const nobody = tests === undefined && simulation === undefined
  const sources = nobody ? workshop.fingerprint() : workshop.fingerprint(isOf)
  const { id, file, before, after } = mutant
  const place = workshop.fingerprint((name) => name === file)
  return createHash('sha256')
    .update(JSON.stringify([id, file, before, after, place, sources]))
    .digest('hex')
    .slice(0, 16)
}

/** A test file with all that it uses under `test/`, and nothing of what it tests. */
function importedByTest({ directory }: Workshop, test: string): Set<string> {
  const files = new Set([test])
  for (const file of files) {
    const full = path.join(directory, file)
    const source = existsSync(full) ? readFileSync(full, 'utf8') : ''
    for (const [, name] of source.matchAll(/from '(\.[^']+)'/g)) {
      const imported = path.posix.join(path.posix.dirname(file), name ?? '')
      if (imported.startsWith('test/')) files.add(imported)
    }
  }
  return files
}

export function formatVerdict(verdict: Verdict): string {
  return `${JSON.stringify(verdict)}\n`
}

/** Later lines win. */
export function parseVerdicts(text: string): ReadonlyMap<string, Verdict> {
  return new Map(parseLines(text).flatMap((line) => ('id' in line ? [[line.id, line]] : [])))
}

function parseLines(text: string): readonly (Verdict | FileCost)[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Verdict | FileCost)
}
