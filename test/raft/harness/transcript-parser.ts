/** Reads messages out of transcripts back into the shape they are printed from: the formatter is checked against the files. */
import type { ShownMessage } from './format.ts'

const HEAD =
  /^( *)(\w+)->(\w+) (Msg\w+) Term:(\d+) Log:(\d+)\/(\d+)(?: Rejected \(Hint: (\d+)\))?(?: Commit:(\d+))?(?: Vote:(\d+))?(?: Entries:\[(.*?)\]?)?(?: Responses:\[)?$/
const ONE_LINE_ENTRIES = / Entries:\[(.+)\]$/

export interface ParsedMessage {
  readonly message: ShownMessage
  /** Lines it took. */
  readonly lines: number
}

/** The message that begins at line `at`, if one does. */
export function parseMessage(lines: readonly string[], at: number): ParsedMessage | undefined {
  const line = lines[at] ?? ''
  const head = HEAD.exec(line)
  if (head === null) return undefined
  const indent = (head[1] as string).length
  let next = at + 1
  let rest = line
  const entries: string[] = []
  const single = ONE_LINE_ENTRIES.exec(line.replace(/ Responses:\[$/, ''))
  if (single !== null) entries.push(single[1] as string)
  if (rest.endsWith(' Entries:[')) {
    while (lines[next] !== undefined && !(lines[next] as string).startsWith(`${' '.repeat(indent)}]`)) {
      entries.push((lines[next] as string).slice(indent + 2))
      next += 1
    }
    rest = lines[next] ?? ''
    next += 1
  }
  const snapshotLine = (lines[next] ?? '').slice(indent + 2)
  let snapshot: string | undefined
  if (snapshotLine.startsWith('Snapshot: ')) {
    snapshot = snapshotLine.slice('Snapshot: '.length)
    rest = lines[next] ?? ''
    next += 1
    if (rest.endsWith(' Responses:[')) snapshot = snapshot.slice(0, -' Responses:['.length)
  }
  let responses: ShownMessage[] | undefined
  if (rest.endsWith(' Responses:[')) {
    responses = []
    for (let inner = parseMessage(lines, next); inner !== undefined; inner = parseMessage(lines, next)) {
      responses.push(inner.message)
      next += inner.lines
    }
    next += 1
  }
  const message: ShownMessage = {
    from: head[2] as string,
    to: head[3] as string,
    type: head[4] as string,
    term: Number(head[5]),
    logTerm: Number(head[6]),
    index: Number(head[7]),
    hint: head[8] === undefined ? undefined : Number(head[8]),
    commit: Number(head[9] ?? 0),
    vote: Number(head[10] ?? 0),
    entries,
    snapshot,
    responses,
  }
  return { message, lines: next - at }
}
