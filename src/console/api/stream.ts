/**
 * Server-sent events over fetch, because EventSource can send no token: the splitting of the text into messages, and a reader that comes back after
 * each loss. What the messages mean is the caller's business.
 */
import type { World } from '../world.ts'
import { type Client, Failure } from './client.ts'

export interface StreamedMessage {
  readonly id: string
  readonly type: string
  readonly data: string
}

/** Takes text as it comes and gives whole messages; what is not yet whole waits. */
export class MessageSplitter {
  #rest = ''

  take(text: string): StreamedMessage[] {
    const blocks = (this.#rest + text).replaceAll('\r\n', '\n').split('\n\n')
    this.#rest = blocks.pop() ?? ''
    return blocks.map(parseBlock).filter((message) => message !== undefined)
  }
}

function parseBlock(block: string): StreamedMessage | undefined {
  let id = ''
  let type = 'message'
  const data: string[] = []
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':')
    if (colon <= 0) continue
    const value = line.slice(colon + 1).replace(/^ /, '')
    switch (line.slice(0, colon)) {
      case 'id':
        id = value
        break
      case 'event':
        type = value
        break
      case 'data':
        data.push(value)
        break
      default:
    }
  }
  return data.length === 0 ? undefined : { id, type, data: data.join('\n') }
}

export type StreamState = 'connecting' | 'live' | 'lost'

export interface Follower {
  take(messages: readonly StreamedMessage[]): void
  state(state: StreamState): void
}

const RETRY_MS = 2_000

/** Reads until the answer is called. Where tokens are refused it waits like after any other loss. */
export function follow(client: Client, world: World, path: string, follower: Follower): () => void {
  const over = new AbortController()
  let cancelRetry: (() => void) | undefined
  let lastId = ''
  const read = async (): Promise<void> => {
    const splitter = new MessageSplitter()
    const decoder = new TextDecoder()
    const headers: Record<string, string> = { Accept: 'text/event-stream' }
    if (lastId !== '') headers['Last-Event-ID'] = lastId
    const answer = await client.send(path, { headers, signal: over.signal })
    follower.state('live')
    const reader = answer.body?.getReader()
    for (;;) {
      const part = await reader?.read()
      if (part === undefined || part.done) return
      const messages = splitter.take(decoder.decode(part.value, { stream: true }))
      lastId = messages.at(-1)?.id || lastId
      if (messages.length > 0) follower.take(messages)
    }
  }
  const attempt = (): void => {
    read()
      .catch((error: unknown) => {
        // However it was lost, the cure is to come back; a refusal is shown by whoever asked for the token.
        if (!(error instanceof Failure) && !(error instanceof DOMException) && !(error instanceof TypeError))
          throw error
      })
      .finally(() => {
        if (over.signal.aborted) return
        follower.state('lost')
        cancelRetry = world.after(RETRY_MS, attempt)
      })
  }
  follower.state('connecting')
  attempt()
  return () => {
    over.abort()
    cancelRetry?.()
  }
}
