/** What was done to the cluster and when, in the order in which it happened: printed as it happens, kept for reports and failures. */
export interface Entry {
  readonly atMs: number
  readonly text: string
}

export class Timeline {
  readonly entries: Entry[] = []
  readonly #nowMs: () => number
  readonly #print: (line: string) => void

  constructor(nowMs: () => number, print: (line: string) => void) {
    this.#nowMs = nowMs
    this.#print = print
  }

  note(text: string): void {
    const entry = { atMs: this.#nowMs(), text }
    this.entries.push(entry)
    this.#print(lineOf(entry))
  }

  text(): string {
    return this.entries.map((entry) => `${lineOf(entry)}\n`).join('')
  }
}

function lineOf({ atMs, text }: Entry): string {
  return `${(atMs / 1000).toFixed(2).padStart(8)} s  ${text}`
}
