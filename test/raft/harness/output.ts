/** The output of one directive: levels, indentation, and nothing at all at level NONE. */
const LEVELS = ['debug', 'info', 'warn', 'error', 'fatal', 'none'] as const

export type OutputLevel = (typeof LEVELS)[number]

export function parseLevel(text: string): OutputLevel {
  const level = LEVELS.find((one) => one === text.toLowerCase())
  if (level === undefined) throw new Error(`unknown log level ${text}`)
  return level
}

export class Output {
  level: OutputLevel = 'debug'
  #text = ''

  begin(): void {
    this.#text = ''
  }

  get isSilent(): boolean {
    return this.level === 'none'
  }

  print(text: string): void {
    if (!this.isSilent) this.#text += text
  }

  /** An INFO line, if such lines are shown. */
  info(text: string): void {
    if (LEVELS.indexOf(this.level) <= LEVELS.indexOf('info')) this.print(`INFO ${text}\n`)
  }

  /** What `run` prints is indented by two spaces. */
  indented<T>(run: () => T): T {
    const before = this.#text
    this.#text = ''
    const result = run()
    const inner = this.#text
    this.#text = before
    if (inner !== '') {
      const lines = (inner.endsWith('\n') ? inner.slice(0, -1) : inner).split('\n')
      this.#text += lines.map((line) => `  ${line}\n`).join('')
    }
    return result
  }

  /** The result of the directive; a refused one adds its error, alone when everything else is silent. */
  end(error: string | undefined): string {
    if (error !== undefined) return this.isSilent ? error : this.#text + error
    return this.#text === '' ? 'ok' : this.#text
  }
}
