/** The batches of an import: lines understood and gathered, and their way into the cluster, as often as it takes. */
import { LIMITS } from '../../src/base/index.ts'
import { CliError, EXIT, parseAnswer, printable, type Session } from '../cli/index.ts'
import type { Line } from './line-file.ts'
import { withPatience } from './patience.ts'

export interface Put {
  readonly op: 'put'
  readonly key: string
  readonly keyEncoding?: 'base64'
  readonly value: string
  readonly encoding?: 'base64'
}

export interface Batch {
  readonly puts: readonly Put[]
  readonly bytes: number
  /** The last line of it. */
  readonly last: Line
}

interface OpResult {
  readonly ok: boolean
  readonly found?: boolean
  readonly value?: string
  readonly encoding?: 'utf8' | 'base64'
  readonly error?: {
    readonly code: string
    readonly detail?: string
    readonly outcome?: string
    readonly retryable?: boolean
  }
}

const OPS_MAX = LIMITS.batchOpsMax / 2
/** Far below what a batch may have, so that several of them do not fill a store's queues. */
const BYTES_MAX = 1024 * 1024

/** A key stands in a batch once: what is tried again then never overtakes a later line. */
export async function* batchesOf(lines: AsyncIterable<Line>): AsyncGenerator<Batch> {
  let puts: Put[] = []
  let keys = new Set<string>()
  let bytes = 0
  let last: Line | undefined
  for await (const line of lines) {
    if (line.text.trim() !== '') {
      const put = parseLine(line)
      const putBytes = put.key.length + put.value.length
      const key = Buffer.from(put.key, put.keyEncoding ?? 'utf8').toString('latin1')
      const isFull = puts.length === OPS_MAX || bytes + putBytes > BYTES_MAX || keys.has(key)
      if (isFull && last !== undefined && puts.length > 0) {
        yield { puts, bytes, last }
        puts = []
        keys = new Set()
        bytes = 0
      }
      puts.push(put)
      keys.add(key)
      bytes += putBytes
    }
    last = line
  }
  if (last !== undefined) yield { puts, bytes, last }
}

function parseLine({ text, number }: Line): Put {
  const refuse = (why: string): CliError =>
    new CliError(EXIT.usage, 'INVALID_ARGUMENT', `line ${number} ${why}; every line before it is imported`, [
      'flotilla export | head -1                shows what a line looks like',
    ])
  let line: Partial<Record<'key' | 'keyEncoding' | 'value' | 'encoding' | 'error', unknown>>
  try {
    line = JSON.parse(text) as typeof line
  } catch {
    // JSON.parse rejects in this one way.
    throw refuse('is not JSON')
  }
  if (typeof line !== 'object' || line === null) throw refuse('is not a JSON object')
  if (line.error !== undefined) throw refuse('says that the export before it failed')
  const { key, value } = line
  if (typeof key !== 'string' || key === '') throw refuse('has no key')
  if (typeof value !== 'string') throw refuse('has no value')
  return {
    op: 'put',
    key,
    ...(isBase64(line.keyEncoding, key, refuse) ? { keyEncoding: 'base64' } : {}),
    value,
    ...(isBase64(line.encoding, value, refuse) ? { encoding: 'base64' } : {}),
  }
}

function isBase64(encoding: unknown, text: string, refuse: (why: string) => CliError): boolean {
  if (encoding === undefined || encoding === 'utf8') return false
  if (encoding !== 'base64') throw refuse(`has an encoding that is neither utf8 nor base64`)
  if (Buffer.from(text, 'base64').toString('base64') !== text) throw refuse('has malformed base64')
  return true
}

/** Puts all of them, or rejects with CliError; answers how many were written. With `ifAbsent`, keys that exist stay as they are. */
export async function putBatch(session: Session, puts: readonly Put[], ifAbsent: boolean): Promise<number> {
  let left = puts
  let written = 0
  await withPatience(session.context, async () => {
    if (left.length === 0) return
    const results = await send(session, ifAbsent ? left.map((put) => ({ ...put, ifAbsent })) : left)
    const failed = left.filter((_, position) => !isSettled(results[position]))
    written += results.filter(({ ok }) => ok).length
    const [first] = results.filter((result) => !isSettled(result))
    left = failed
    if (first?.error === undefined) return
    const { code, detail, outcome, retryable } = first.error
    // The same value once more does no harm, so an unknown outcome is a reason to repeat.
    const mayPass = retryable === true || outcome === 'unknown'
    throw new CliError(mayPass ? EXIT.unavailable : EXIT.failed, code, printable(detail ?? 'the put failed'))
  })
  return written
}

/** Those that the cluster does not have with just this value. */
export async function missingOf(session: Session, puts: readonly Put[]): Promise<readonly Put[]> {
  const gets = puts.map(({ key, keyEncoding }) => ({
    op: 'get' as const,
    key,
    ...(keyEncoding === undefined ? {} : { keyEncoding }),
  }))
  const results = await withPatience(session.context, () => send(session, gets))
  return puts.filter((put, position) => {
    const { found, value, encoding } = results[position] ?? { ok: false }
    const isThere =
      found !== false && value !== undefined && bytesOf(value, encoding).equals(bytesOf(put.value, put.encoding))
    return !isThere
  })
}

function bytesOf(value: string, encoding: 'utf8' | 'base64' | undefined): Buffer {
  return Buffer.from(value, encoding ?? 'utf8')
}

function isSettled(result: OpResult | undefined): boolean {
  return result?.ok === true || result?.error?.code === 'PRECONDITION_FAILED'
}

async function send(session: Session, ops: readonly object[]): Promise<readonly OpResult[]> {
  if (ops.length === 0) return []
  const { body } = await session.client.send({
    method: 'POST',
    path: '/batch',
    headers: { 'Content-Type': 'application/json' },
    body: Buffer.from(JSON.stringify({ ops }), 'utf8'),
  })
  return parseAnswer<{ readonly results: readonly OpResult[] }>(body.toString('utf8')).results
}
