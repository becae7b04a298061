import { LIMITS, latin1ToBytes, utf8Decode, utf8Encode } from '../base/index.ts'
import { type ErrorValue, FlotillaError } from '../protocol/index.ts'
import {
  invalid,
  toCallOptions,
  toCondition,
  toConsistency,
  toKey,
  toLimit,
  toList,
  toNamedOperation,
  toRange,
  toValue,
} from './arguments.ts'
import type {
  BatchOperation,
  BatchResult,
  Bytes,
  Client,
  EntryOf,
  ReadOptions,
  RequestOptions,
  ScanOptions,
  WriteOptions,
} from './types.ts'

/**
 * The client over a gateway's HTTP interface: for programs that cannot reach NATS. It follows the same contract as every other HTTP caller and uses
 * nothing private.
 */
interface JsonItem {
  readonly key: string
  readonly keyEncoding?: 'base64'
  readonly value?: string
  readonly encoding?: 'utf8' | 'base64'
  readonly revision: number
}

/** What came back, read to its end: an answer that breaks off is a request that did not end. */
interface Answer {
  readonly isWrite: boolean
  readonly status: number
  readonly statusText: string
  readonly headers: Headers
  readonly body: Uint8Array
}

/** Other ways to a gateway than the built-in fetch. */
interface HttpWire {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  close(): void
}

interface HttpClientOptions {
  readonly token?: string | undefined
  readonly wire?: HttpWire | undefined
}

export class HttpClient implements Client {
  readonly #base: string
  readonly #wire: HttpWire | undefined
  readonly #authorization: Readonly<Record<string, string>>
  #closed = false

  /** `url` is the gateway's address, such as `http://127.0.0.1:8080`; `token` is sent with every request. `wire` stands for the built-in fetch. */
  constructor(url: string, { token, wire }: HttpClientOptions = {}) {
    this.#base = url.replace(/\/+$/, '')
    this.#wire = wire
    this.#authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
  }

  async get(key: Bytes, options: ReadOptions = {}): Promise<Uint8Array | undefined> {
    return (await this.getEntry(key, options))?.value
  }

  async getEntry(key: Bytes, options: ReadOptions = {}): Promise<EntryOf | undefined> {
    const name = toKey(key)
    const query = `?consistency=${toConsistency(options)}`
    const answer = await this.#fetch('GET', `${keyPath(name)}${query}`, options)
    if (answer.status === 404 && problem(answer).code === 'KEY_NOT_FOUND') return undefined
    expectOk(answer)
    return { key: new Uint8Array(latin1ToBytes(name)), value: answer.body, revision: revisionOf(answer) }
  }

  async getMany(keys: readonly Bytes[], options: ReadOptions = {}): Promise<(Uint8Array | undefined)[]> {
    toList(keys, 'keys', LIMITS.batchOpsMax)
    if (toConsistency(options) === 'stale') return Promise.all(keys.map((key) => this.get(key, options)))
    const results = await this.batch(
      keys.map((key) => ({ op: 'get', key })),
      options,
    )
    return results.map((result) => {
      if (!result.ok) throw result.error
      return result.value
    })
  }

  async put(key: Bytes, value: Bytes, options: WriteOptions = {}): Promise<{ readonly revision: number }> {
    const answer = await this.#fetch('PUT', keyPath(toKey(key)), options, toValue(value), conditionHeaders(options))
    expectOk(answer)
    return { revision: revisionOf(answer) }
  }

  async del(key: Bytes, options: WriteOptions = {}): Promise<boolean> {
    const answer = await this.#fetch('DELETE', keyPath(toKey(key)), options, undefined, conditionHeaders(options))
    expectOk(answer)
    return answer.headers.get('flotilla-deleted') === '1'
  }

  async batch(
    operations: readonly BatchOperation[],
    options: RequestOptions & { readonly atomic?: boolean } = {},
  ): Promise<BatchResult[]> {
    const ops = toList(operations, 'operations', LIMITS.batchOpsMax).map((operation) => ({
      ...toNamedOperation(operation),
      key: base64(latin1ToBytes(toKey(operation.key))),
      keyEncoding: 'base64',
      ...(operation.op === 'put'
        ? {
            value: base64(toValue(operation.value)),
            encoding: 'base64',
          }
        : {}),
    }))
    const body = utf8Encode(JSON.stringify({ ops, atomic: options.atomic ?? false }))
    const isWrite = operations.some(({ op }) => op !== 'get')
    const headers = { 'content-type': 'application/json' }
    const answer = await this.#fetch('POST', '/batch', options, body, headers, isWrite)
    expectOk(answer)
    const { results } = documentOf(answer) as { results: (Record<string, unknown> & { ok: boolean })[] }
    return results.map(fromJsonResult)
  }

  async *scan(options: ScanOptions = {}): AsyncIterableIterator<EntryOf> {
    const range = toRange(options)
    let left = toLimit(options)
    const consistency = toConsistency(options)
    // An empty bound cannot be said in a query: there it means that there is none.
    if (range.end === '') return
    let cursor: string | undefined
    while (left > 0) {
      const query = [`start=${percent(range.start)}`, `limit=${Math.min(left, LIMITS.scanPageItemsMax)}`]
      if (range.end !== undefined) query.push(`end=${percent(range.end)}`)
      if (options.reverse === true) query.push('reverse=true')
      if (consistency === 'stale') query.push('consistency=stale')
      if (cursor !== undefined) query.push(`cursor=${encodeURIComponent(cursor)}`)
      const answer = await this.#fetch('GET', `/kv?${query.join('&')}`, options, undefined, {
        accept: 'application/json',
      })
      expectOk(answer)
      const page = documentOf(answer) as { items: JsonItem[]; next: string | null }
      for (const item of page.items) yield fromJsonItem(item)
      left -= page.items.length
      if (page.next === null) return
      cursor = page.next
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#wire?.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #fetch(
    method: string,
    path: string,
    options: RequestOptions,
    body?: Uint8Array,
    headers: Record<string, string> = {},
    isWrite = method !== 'GET',
  ): Promise<Answer> {
    if (this.#closed) throw invalid('CLOSED', 'the client is closed')
    const { timeoutMs = LIMITS.requestTimeoutMsDefault, signal } = toCallOptions(options)
    // The gateway ends the request at the deadline; waiting a little longer gets its answer instead of our own guess.
    const limit = AbortSignal.timeout(timeoutMs + 1_000)
    try {
      const send = this.#wire?.fetch ?? fetch
      const response = await send(`${this.#base}${path}`, {
        method,
        headers: {
          ...headers,
          ...this.#authorization,
          ...(options.traceparent === undefined ? {} : { traceparent: options.traceparent }),
          'flotilla-timeout-ms': String(Math.ceil(timeoutMs)),
        },
        signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
        redirect: 'error',
        ...(body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer> }),
      })
      const { status, statusText } = response
      return {
        isWrite,
        status,
        statusText,
        headers: response.headers,
        body: new Uint8Array(await response.arrayBuffer()),
      }
    } catch (error) {
      // fetch tells refusals from broken connections only in its cause; a write that may have left is unknown.
      const cause = (error as { cause?: { code?: string } }).cause?.code
      const isRefused = cause === 'ECONNREFUSED' || cause === 'ENOTFOUND'
      const code = signal?.aborted === true ? 'ABORTED' : limit.aborted ? 'TIMEOUT' : 'UNAVAILABLE'
      throw new FlotillaError(
        {
          code,
          message: isRefused
            ? `no gateway answers at ${this.#base}`
            : `the request to ${this.#base} did not end: ${cause ?? String(error)}`,
          outcome: isWrite && !isRefused ? 'unknown' : 'none',
          retryable: !isWrite || isRefused,
        },
        { cause: error },
      )
    }
  }
}

/** The form of a key that no HTTP library alters. */
function keyPath(key: string): string {
  return `/kv64/${Buffer.from(key, 'latin1').toString('base64url')}`
}

function percent(key: string): string {
  let text = ''
  for (const byte of Buffer.from(key, 'latin1')) text += `%${byte.toString(16).padStart(2, '0')}`
  return text
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
}

function conditionHeaders(options: WriteOptions): Record<string, string> {
  const condition = toCondition(options)
  if (condition.kind === 'absent') return { 'if-none-match': '*' }
  return condition.kind === 'revision' ? { 'if-match': `"${condition.revision}"` } : {}
}

function revisionOf(answer: Answer): number {
  const tag = /^"(\d+)"$/.exec(answer.headers.get('etag') ?? '')?.[1]
  if (tag === undefined) throw new FlotillaError(notOurs(answer))
  return Number(tag)
}

function problem(answer: Answer): ErrorValue {
  const body = parsed(answer) as (ErrorValue & { readonly detail?: string; readonly title?: string }) | undefined
  if (typeof body?.code !== 'string') return notOurs(answer)
  return { ...body, message: body.detail ?? body.title ?? body.code }
}

function expectOk(answer: Answer): void {
  if (answer.status < 200 || answer.status > 299) throw new FlotillaError(problem(answer))
}

function documentOf(answer: Answer): object {
  const document = parsed(answer)
  if (document === undefined) throw new FlotillaError(notOurs(answer))
  return document
}

function parsed({ body }: Answer): object | undefined {
  try {
    const document: unknown = JSON.parse(utf8Decode(body) ?? '')
    return typeof document === 'object' && document !== null ? document : undefined
  } catch {
    // Malformed text is the only error of JSON.parse; callers say what that means.
    return undefined
  }
}

/** Something between us and the gateway answered, or it is no gateway at all. */
function notOurs({ status, statusText, isWrite }: Answer): ErrorValue {
  return {
    code: 'UNAVAILABLE',
    message: `${status} ${statusText}: not an answer of a Flotilla gateway`,
    outcome: isWrite ? 'unknown' : 'none',
    retryable: false,
  }
}

function fromJsonItem(item: JsonItem): EntryOf {
  return {
    key: item.keyEncoding === 'base64' ? new Uint8Array(Buffer.from(item.key, 'base64')) : utf8Encode(item.key),
    value:
      item.encoding === 'base64'
        ? new Uint8Array(Buffer.from(item.value ?? '', 'base64'))
        : utf8Encode(item.value ?? ''),
    revision: item.revision,
  }
}

function fromJsonResult(result: Record<string, unknown> & { ok: boolean }): BatchResult {
  if (!result.ok) {
    const error = result.error as ErrorValue & { detail?: string }
    return { ok: false, error: new FlotillaError({ ...error, message: error.detail ?? error.code }) }
  }
  const { revision, value, encoding, found, deleted } = result as {
    revision?: number
    value?: string
    encoding?: string
    found?: boolean
    deleted?: 0 | 1
  }
  return {
    ok: true,
    ...(revision === undefined ? {} : { revision }),
    ...(value === undefined
      ? {}
      : { value: encoding === 'base64' ? new Uint8Array(Buffer.from(value, 'base64')) : utf8Encode(value) }),
    ...(found === undefined ? {} : { found }),
    ...(deleted === undefined ? {} : { deleted }),
  }
}
