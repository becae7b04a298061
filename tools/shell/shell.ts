/**
 * The loop of an interactive shell: reads a line, says what it means in commands of this program, and runs them with the options that the shell was started with. In
 * a pipe it reads lines the same way, without prompt and history.
 */
import { createWriteStream } from 'node:fs'
import { createInterface, type Interface } from 'node:readline'
import type { Writable } from 'node:stream'
import { type Context, EXIT, formatTable, printable, type Signal, wrapFor, write } from '../cli/index.ts'
import type { CommandNode } from '../completion/index.ts'
import { completeLine, OWN_WORDS } from './complete-line.ts'
import { type Dialect, isKnown, mistaken, translate } from './dialect.ts'
import { gateBefore } from './gate.ts'
import { HISTORY_LINES_MAX, historyPath, readHistory, writeHistory } from './history-file.ts'
import { splitWords } from './split-words.ts'

export interface ShellOptions {
  readonly context: Context
  readonly dialect: Dialect
  readonly tree: CommandNode
  /** Before the words of every command: where the cluster is, and how to print. */
  readonly globalWords: readonly string[]
  readonly runProgram: (words: readonly string[], context: Context) => Promise<number>
}

/** They take over the terminal or the process, and a shell is here already. */
const REFUSED: ReadonlySet<string> = new Set(['shell', 'manager', 'demo', 'start', 'top'])

/** Runs until the end of the input or `exit`; answers the exit code of the last command that failed. */
export async function runShell(options: ShellOptions): Promise<number> {
  const { context, dialect, tree } = options
  const isTerminal = context.stdin.isTTY === true && context.stdout.isTTY === true
  const historyFile = isTerminal ? historyPath(context.env) : undefined
  const lines = createInterface({
    input: context.stdin,
    ...(isTerminal ? { output: context.stdout } : {}),
    terminal: isTerminal,
    completer: (line: string) => completeLine(tree, dialect, line),
    history: await readHistory(historyFile),
    historySize: HISTORY_LINES_MAX,
    removeHistoryDuplicates: true,
    prompt: dialect.prompt,
  })
  let history: readonly string[] = []
  lines.on('history', (all) => {
    history = [...all]
  })
  if (isTerminal) await write(context.stdout, `${dialect.title}; help shows what it understands, exit leaves\n`)
  const exitCode = await new Shell(options, lines, isTerminal).run()
  if (history.length > 0) await writeHistory(historyFile, history)
  return exitCode
}

class Shell {
  readonly #options: ShellOptions
  readonly #lines: Interface
  readonly #isTerminal: boolean
  #exitCode: number = EXIT.ok
  /** Ends what runs now. */
  #interrupt: (() => void) | undefined

  constructor(options: ShellOptions, lines: Interface, isTerminal: boolean) {
    this.#options = options
    this.#lines = lines
    this.#isTerminal = isTerminal
    lines.on('SIGINT', () => this.#onInterrupt())
    options.context.onSignal((signal) => this.#onSignal(signal))
  }

  async run(): Promise<number> {
    this.#prompt()
    for await (const line of this.#lines) {
      if (!(await this.#take(line))) break
      this.#prompt()
    }
    this.#lines.close()
    return this.#exitCode
  }

  #prompt(): void {
    if (this.#isTerminal) this.#lines.prompt()
  }

  /** Whether to go on. */
  async #take(line: string): Promise<boolean> {
    const { context, dialect } = this.#options
    const split = splitWords(line)
    if (!split.ok) {
      this.#exitCode = EXIT.usage
      await write(context.stderr, `error: INVALID_ARGUMENT: ${split.reason}\n`)
      return true
    }
    const [first] = split.words
    if (first === undefined || first.startsWith('#')) return true
    if (first === 'exit' || first === 'quit') return false
    if (first === 'help' && split.words.length === 1) {
      await this.#help()
      return true
    }
    const commands = this.#options.tree.children.map(({ path }) => path[0] ?? '')
    if (!isKnown(dialect, split.words, [...commands, ...OWN_WORDS])) {
      this.#exitCode = EXIT.usage
      await this.#refuse(split.words, commands)
      return true
    }
    const { words, file } = translate(dialect, split.words)
    if (REFUSED.has(words[0] ?? '')) {
      this.#exitCode = EXIT.usage
      await write(context.stderr, `error: INVALID_ARGUMENT: ${words[0]} does not run inside a shell\n`)
      return true
    }
    const exitCode = await this.#run(words, file)
    if (exitCode !== EXIT.ok) this.#exitCode = exitCode
    return true
  }

  async #refuse(words: readonly string[], commands: readonly string[]): Promise<void> {
    const { context, dialect } = this.#options
    const { typed, candidates } = mistaken(dialect, words, [...commands, ...OWN_WORDS])
    // Loading the schema beside it takes longer than a command; only mistakes pay for it.
    const { suggest } = await import('../../src/server/config/index.ts')
    const near = suggest(typed, candidates)
    const question = near === undefined ? '' : ` (Did you mean ${near}?)`
    const text = `error: INVALID_ARGUMENT: unknown command '${printable(typed)}'${question}\n  try: help\n`
    await write(context.stderr, text)
  }

  /** Runs one command; an interrupted one is left behind, and what it prints after that goes nowhere. */
  async #run(words: readonly string[], file: string | undefined): Promise<number> {
    const { context, globalWords, runProgram } = this.#options
    const target = file === undefined ? context.stdout : createWriteStream(file)
    const stdout = gateBefore(target)
    const stderr = gateBefore(context.stderr)
    let onSignal: ((signal: Signal) => void) | undefined
    const interrupted = new Promise<number>((resolve) => {
      this.#interrupt = () => {
        // A command that ends in order by itself is left to do so.
        if (onSignal !== undefined) {
          onSignal('SIGINT')
          return
        }
        stdout.shut()
        stderr.shut()
        resolve(EXIT.interrupted)
      }
    })
    const inner: Context = {
      ...context,
      stdout: stdout.stream,
      stderr: stderr.stream,
      onSignal: (handler) => {
        onSignal = handler
      },
    }
    const exitCode = await Promise.race([runProgram([...globalWords, ...words], inner), interrupted])
    this.#interrupt = undefined
    if (file !== undefined) {
      await ended(target)
      await write(context.stderr, `written to ${file}\n`)
    }
    return exitCode
  }

  #onInterrupt(): void {
    if (this.#interrupt !== undefined) this.#interrupt()
    else {
      // As other shells do: a line that is not wanted any more.
      this.#lines.write(null, { ctrl: true, name: 'e' })
      this.#lines.write(null, { ctrl: true, name: 'u' })
    }
  }

  #onSignal(signal: Signal): void {
    if (signal === 'SIGINT') this.#onInterrupt()
    else this.#lines.close()
  }

  async #help(): Promise<void> {
    const { context, dialect, tree } = this.#options
    const rows = dialect.phrases.map(({ words, rest, description }) => ({
      words: `${words.join(' ')} ${rest}`.trimEnd(),
      description,
    }))
    const table = formatTable(rows, [
      { name: 'words', value: (row) => row.words },
      { name: 'meaning', value: (row) => row.description },
    ])
    const commands = tree.children.map(({ path }) => path.join(' ')).filter((name) => !REFUSED.has(name))
    await write(
      context.stdout,
      wrapFor(
        context.stdout,
        `${table}\n\nand every command: ${commands.join(', ')}\nits own words: ${OWN_WORDS.join(', ')}; COMMAND --help says more\n`,
      ),
    )
  }
}

function ended(stream: Writable): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.once('error', reject)
    stream.end(resolve)
  })
}
