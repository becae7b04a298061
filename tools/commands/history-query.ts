/** What the commands that show the past share: filters as flags, their way into a query, and following a stream that goes on. */
import { CliError, EXIT, percentEncode, type Session, write } from '../cli/index.ts'

export interface HistoryFlags {
  readonly type?: string
  readonly group?: string
  readonly peer?: string
  readonly since?: string
  readonly limit?: string
}

/** `name=value` for those that are given, escaped. */
export function queryOf(parameters: Readonly<Record<string, string | undefined>>): string {
  const words = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${percentEncode(Buffer.from(value, 'utf8'))}`],
  )
  return words.length === 0 ? '' : `?${words.join('&')}`
}

const RETRY_MS = 1_000

/**
 * Prints each message of a stream of server-sent events until the process is ended; when the stream breaks off, it goes on after the last message, at
 * whichever gateway answers.
 */
export async function follow<Item>(session: Session, path: string, print: (item: Item) => string): Promise<never> {
  let lastId: string | undefined
  for (let isFirst = true; ; isFirst = false) {
    try {
      lastId = await pass(session, path, print, lastId)
    } catch (error) {
      // All gateways may be away for a moment; at the beginning it is more likely a wrong address.
      if (isFirst || !(error instanceof CliError) || error.exitCode !== EXIT.unavailable) throw error
    }
    await new Promise<void>((resolve) => {
      session.context.clock.after(RETRY_MS, resolve)
    })
  }
}

/** One connection's worth of messages; answers the id of the last one. */
async function pass<Item>(
  session: Session,
  path: string,
  print: (item: Item) => string,
  before: string | undefined,
): Promise<string | undefined> {
  const headers = { Accept: 'text/event-stream', ...(before === undefined ? {} : { 'Last-Event-ID': before }) }
  let lastId = before
  let id: string | undefined
  for await (const line of session.client.lines({ method: 'GET', path, headers })) {
    if (line.startsWith('id: ')) id = line.slice(4)
    if (!line.startsWith('data: ') || id === undefined) continue
    await write(session.context.stdout, `${print(JSON.parse(line.slice(6)) as Item)}\n`)
    lastId = id
    id = undefined
  }
  return lastId
}
