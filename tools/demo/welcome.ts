/** What the demo tells people: what runs, what to try, what happened. Only words; decides nothing. */
import path from 'node:path'
import type { ChildEnd, ChildStore } from './child-store.ts'

export interface Style {
  bold(text: string): string
  dim(text: string): string
}

export function styleOf(isColoured: boolean): Style {
  const styled = (code: number) => (text: string) => (isColoured ? `\u001b[${code}m${text}\u001b[0m` : text)
  return { bold: styled(1), dim: styled(2) }
}

export interface Running {
  readonly version: string
  readonly stores: readonly ChildStore[]
  readonly shards: number
  /** Whose broker it is, and where. */
  readonly broker: string
  /** What people type to run this program. */
  readonly command: string
  readonly directory: string
}

export function welcome({ version, stores, shards, broker, command, directory }: Running, style: Style): string {
  const [first, second, third] = stores.map((store) => store.url)
  const rows = stores.map(
    (store) =>
      `  ${style.bold(store.id.padEnd(7))} ${store.url}   pid ${String(store.pid).padEnd(8)} ${store.directory}`,
  )
  const endpoint = first === 'http://127.0.0.1:8080' ? '' : ` -e ${first}`
  return `
${style.bold(`Flotilla ${version} is running: ${stores.length} stores, ${shards} shards, every key on ${stores.length} disks`)}

  ${style.bold('broker ')} ${broker}
${rows.join('\n')}

${style.bold('Try')}
  curl -X PUT --data-binary 'hello' ${first}/kv/greeting
  curl ${second}/kv/greeting
  curl '${third}/kv?prefix=gree'
  ${command} put answer 42${endpoint}
  ${command} scan${endpoint}
  ${command} status${endpoint}
  ${command} shard ls${endpoint}
  kill -9 ${stores[1]?.pid}      ${style.dim('then read and write on: the other two take over')}

${style.dim(`See it at ${first}/console; the API is described at ${first}/docs. Logs are in ${path.join(directory, '*', 'flotilla.log')}.`)}
${style.dim('Ctrl-C stops everything; starting again finds the data.')}
`
}

/** A store ended that nobody here told to. */
export function goneNotice(store: ChildStore, end: ChildEnd, running: number, command: string): string {
  const how = end.signal === null ? `exit code ${end.exitCode}` : end.signal
  const why = store.lastError === undefined ? '' : `: ${store.lastError}`
  const rest =
    running >= 2
      ? 'The others go on.'
      : 'Without two of three stores there is no majority, so requests are refused until one is back.'
  return `\n${store.id} is gone (${how})${why}. ${rest} To start it again, in another terminal:\n  ${command} start -c ${store.configFile}\n`
}

/** A line of a store's log that people should see: warnings and worse. Undefined for all others. */
export function noticeable(line: string): string | undefined {
  if (!line.startsWith('{')) return line.startsWith('warning: ') || line.startsWith('error: ') ? line : undefined
  try {
    const { level, msg, ...fields } = JSON.parse(line) as Record<string, unknown>
    if (typeof level !== 'number' || level < WARN) return undefined
    const { time, store, ...rest } = fields
    const details = Object.entries(rest).map(([name, value]) => ` ${name}=${JSON.stringify(value)}`)
    return `${level >= ERROR ? 'error' : 'warning'}: ${String(msg)}${details.join('')}`
  } catch {
    // A line that only looks like JSON was not written by the logger; it is in the file.
    return undefined
  }
}

/** The levels of the log lines. */
const WARN = 40
const ERROR = 50
