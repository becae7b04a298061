/** Frames in words, for traces: what Raft said, which requests and answers went along. Called only when somebody wants to read a trace. */
import { decodeRaftMessage, decodeReply, decodeRequest } from '../protocol/index.ts'
import type { Message } from '../raft/index.ts'
import { type FrameEntry, readFrame } from '../transport/index.ts'
import type { TraceLine } from './trace.ts'

export function frameLines(timeUs: number, fate: string, from: string, to: string, bytes: Uint8Array): TraceLine[] {
  const line = (text: string, groups: readonly number[] | undefined): TraceLine => ({
    timeUs,
    actor: from,
    groups,
    keys: undefined,
    text: `${fate === 'sent' ? '' : `${fate.toUpperCase()} `}-> ${to}: ${text}`,
  })
  const frame = readFrame(bytes)
  if (frame === undefined) return [line(`${bytes.length} bytes that are no frame`, undefined)]
  return frame.map((entry) => {
    const { text, groups } = describeEntry(entry)
    return line(text, groups)
  })
}

interface Described {
  readonly text: string
  readonly groups: readonly number[] | undefined
}

function describeEntry({ kind, body }: FrameEntry): Described {
  switch (kind) {
    case 'item': {
      const decoded = decodeRaftMessage(body)
      if (!decoded.ok) return { text: `item of ${body.length} bytes`, groups: undefined }
      const { group, message } = decoded.value
      return { text: `group ${group} ${messageText(message)}`, groups: [group] }
    }
    case 'request': {
      const decoded = decodeRequest(body)
      if (!decoded.ok) return { text: `request of ${body.length} bytes`, groups: undefined }
      const groups = 'shard' in decoded.value ? [decoded.value.shard] : undefined
      return { text: `request ${shorten(decoded.value)}`, groups }
    }
    case 'reply': {
      const decoded = decodeReply(body)
      return {
        text: decoded.ok ? `reply ${shorten(decoded.value)}` : `reply of ${body.length} bytes`,
        // Whose answer it is stands in its request; what it means, in what the client says.
        groups: [],
      }
    }
    case 'fragment':
      return { text: `fragment of ${body.length} bytes`, groups: undefined }
  }
}

function messageText(message: Message): string {
  const { type, from, to, term, ...fields } = message
  const entries = 'entries' in fields ? ` ${fields.entries.length} entries` : ''
  const rest = Object.entries(fields)
    .filter(([name]) => name !== 'entries' && name !== 'snapshot')
    .map(([name, value]) => `${name}=${String(value)}`)
  const snapshot = 'snapshot' in fields ? ` at ${fields.snapshot.index}/${fields.snapshot.term}` : ''
  return `${type} ${from}->${to} term ${term}${entries}${snapshot} ${rest.join(' ')}`
}

const TEXT_CHARS_MAX = 200

function shorten(value: unknown): string {
  const text = JSON.stringify(value, (_name, each: unknown) => (each instanceof Uint8Array ? `<${each.length}>` : each))
  return text.length > TEXT_CHARS_MAX ? `${text.slice(0, TEXT_CHARS_MAX)}…` : text
}
