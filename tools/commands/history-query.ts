/** What the commands that show the past share: filters as flags, their way into a query, and following a stream that goes on. */
import { percentEncode, type Session, write } from '../cli/index.ts'

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
 * whichever gateway answers. `attempts` bounds how often it begins, for tests.
 */
export async function follow<Item>(
  session: Session,
  path: string,
  print: (item: Item) => string,
  attempts = Number.POSITIVE_INFINITY,
): Promise<void> {
  let lastId: string | undefined
  for (let attempt = 1; ; attempt++) {
    const headers = {
      Accept: 'text/event-stream',
      ...(lastId === undefined ? {} : { 'Last-Event-ID': lastId }),
    }
    let id: string | undefined
    for await (const line of session.client.lines({ method: 'GET', path, headers })) {
      if (line.startsWith('id: ')) id = line.slice(4)
      if (!line.startsWith('data: ') || id === undefined) continue
      await write(session.context.stdout, `${print(JSON.parse(line.slice(6)) as Item)}\n`)
      lastId = id
      id = undefined
    }
    if (attempt >= attempts) return
    await new Promise<void>((resolve) => {
      session.context.clock.after(RETRY_MS, resolve)
    })
  }
}
