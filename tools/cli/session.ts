/**
 * One run of a command that talks to a cluster: its global options, understood, the client, and printing in the form that was asked for.
 */
import type { Command } from 'commander'
import { CliError, EXIT, UsageError } from './cli-error.ts'
import { type Context, write } from './context.ts'
import { HttpClient, type HttpClientOptions } from './http-client.ts'
import { type Column, csvHeader, csvLine, FORMATS, type Format, formatJson } from './output.ts'
import { type Endpoint, readClientTls } from './wire.ts'

/** As commander delivers them. */
export interface GlobalFlags {
  readonly endpoint?: string
  readonly token?: string
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly output?: string
  readonly timeout?: string
}

const ENDPOINT_DEFAULT = 'http://127.0.0.1:8080'
const TIMEOUT_MS_DEFAULT = 10_000
const TIMEOUT_MS_MAX = 10 * 60_000

/** A result in all its forms. */
export interface Result<Item> {
  readonly document: unknown
  readonly items: readonly Item[]
  readonly columns: readonly Column<Item>[]
  readonly table: () => string
  /** What the gateway said. */
  readonly raw: string | Uint8Array
}

export class Session {
  readonly context: Context
  readonly format: Format
  readonly client: HttpClient
  readonly #options: HttpClientOptions
  readonly #others: HttpClient[] = []

  /** `pipeFormat` is what the command prints where there is no terminal and no wish. */
  constructor(command: Command, context: Context, pipeFormat: Format = 'json') {
    const flags = command.optsWithGlobals<GlobalFlags>()
    const { env } = context
    this.context = context
    this.format = outputFormat(flags, context, pipeFormat)
    this.#options = {
      endpoints: parseEndpoints(flags.endpoint ?? (env.FLOTILLA_ENDPOINT || ENDPOINT_DEFAULT)),
      token: flags.token ?? (env.FLOTILLA_TOKEN || undefined),
      timeoutMs:
        flags.timeout === undefined ? TIMEOUT_MS_DEFAULT : parseDuration('--timeout', flags.timeout, TIMEOUT_MS_MAX),
      clock: context.clock,
      tls: readClientTls({
        ca: flags.ca ?? (env.FLOTILLA_CA || undefined),
        cert: flags.cert ?? (env.FLOTILLA_CERT || undefined),
        key: flags.key ?? (env.FLOTILLA_KEY || undefined),
      }),
    }
    this.client = new HttpClient(this.#options)
  }

  /** The gateways that were named, as `http://host:port` or `https://host:port`. */
  get endpoints(): readonly string[] {
    return this.#options.endpoints.map(({ text }) => text)
  }

  /** A connection of its own, to one gateway and no other. */
  clientAt(endpoint: string): HttpClient {
    const client = new HttpClient({ ...this.#options, endpoints: parseEndpoints(endpoint) })
    this.#others.push(client)
    return client
  }

  /** The document of a GET, and its text. */
  async getJson<Document>(path: string): Promise<{ readonly document: Document; readonly text: string }> {
    const { body } = await this.client.send({ method: 'GET', path, headers: { Accept: 'application/json' } })
    const text = body.toString('utf8')
    return { document: parseAnswer<Document>(text), text }
  }

  /** `format`: where the gateway has made the text already, and it only passes through. */
  print<Item>(result: Result<Item>, format: Format = this.format): Promise<void> {
    return printResult(this.context, format, result)
  }

  close(): void {
    for (const client of [this.client, ...this.#others]) client.close()
  }
}

export async function printResult<Item>(context: Context, format: Format, result: Result<Item>): Promise<void> {
  if (format === 'raw') {
    await write(context.stdout, result.raw)
    return
  }
  const text = formatted(result, format)
  if (text !== '') await write(context.stdout, `${text}\n`)
}

function formatted<Item>({ document, items, columns, table }: Result<Item>, format: Exclude<Format, 'raw'>): string {
  switch (format) {
    case 'table':
      return table()
    case 'json':
      return formatJson(document)
    case 'ndjson':
      return items.map((item) => JSON.stringify(item)).join('\n')
    case 'csv':
      return [csvHeader(columns), ...items.map((item) => csvLine(item, columns))].join('\n')
  }
}

export function parseAnswer<Document>(text: string): Document {
  try {
    return JSON.parse(text) as Document
  } catch {
    // A gateway never does this, so something else answered.
    throw new CliError(
      EXIT.failed,
      'UNAVAILABLE',
      'the answer is not JSON; something else than a gateway answers there',
      ['flotilla status -e http://HOST:PORT'],
    )
  }
}

/** What `-o` says, or what suits the place the output goes to. */
export function outputFormat(flags: GlobalFlags, context: Context, pipeFormat: Format): Format {
  if (flags.output === undefined) return context.stdout.isTTY === true ? 'table' : pipeFormat
  const format = FORMATS.find((known) => known === flags.output)
  if (format !== undefined) return format
  throw new UsageError(
    `--output ${JSON.stringify(flags.output)} is not one of ${FORMATS.join(', ')}`,
    flags.output,
    FORMATS,
  )
}

const UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const

/** Milliseconds of `500ms`, `2s`, `1m`; `flag` is only shown. */
export function parseDuration(flag: string, text: string, msMax: number): number {
  const match = /^([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h)$/.exec(text)
  const durationMs = match === null ? 0 : Number(match[1]) * UNITS_MS[match[2] as keyof typeof UNITS_MS]
  if (durationMs >= 1 && durationMs <= msMax) return Math.round(durationMs)
  throw new UsageError(
    `${flag} ${JSON.stringify(text)} is not a duration from 1ms to ${msMax / 60_000}m, such as 500ms, 2s or 1m`,
  )
}

/** A whole number within bounds; `what` is only shown. */
export function parseWhole(what: string, text: string, min: number, max: number): number {
  const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw new UsageError(`${what} ${JSON.stringify(text)} is not a whole number from ${min} to ${max}`)
}

function parseEndpoints(text: string): Endpoint[] {
  const endpoints = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(parseEndpoint)
  if (endpoints.length === 0) throw new UsageError('--endpoint is empty; expected http://host:port')
  return endpoints
}

function parseEndpoint(text: string): Endpoint {
  const refused = (why: string): UsageError => new UsageError(`--endpoint ${JSON.stringify(text)} ${why}`)
  let url: URL
  try {
    url = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`)
  } catch {
    // The only error of the constructor is a malformed address.
    throw refused('is not an address; expected http://host:port')
  }
  // Before anything is shown of it.
  if (url.username !== '' || url.password !== '') {
    throw new UsageError('--endpoint has credentials; expected http://host:port, and --token for a token')
  }
  const isTls = url.protocol === 'https:'
  if (!isTls && url.protocol !== 'http:') throw refused('is not supported; expected http:// or https://host:port')
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw refused('has a path; expected http://host:port')
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const port = url.port === '' ? (isTls ? 443 : 80) : Number(url.port)
  return { host, port, isTls, text: url.origin }
}
