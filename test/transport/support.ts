/** What the transport's tests share: a recording peer, patience, and bytes that tell their origin. */
import assert from 'node:assert/strict'
import type { Logger } from '../../src/base/index.ts'
import type {
  IncomingRequest,
  Lane,
  RequestFailure,
  Transport,
  TransportHandlers,
  TransportOptions,
} from '../../src/transport/index.ts'
import type { Wire } from '../../src/transport/wire.ts'

/** One adapter under the conformance suite. */
export interface Fixture {
  /** `options` beyond what the fixture itself decides. */
  open(options: Pick<TransportOptions, 'clusterId' | 'address' | 'handlers'> & Partial<OpenOptions>): Promise<Transport>
  /** A bare connection, to listen in and to send garbage. */
  openWire(): Promise<Wire>
  stopBroker(): Promise<void>
  /** Does nothing when it runs. */
  startBroker(): Promise<void>
  end(): Promise<void>
}

export interface OpenOptions {
  readonly incarnation: string
  readonly role: 'store' | 'client'
}

/** Handlers that remember everything. */
export class Recorder implements TransportHandlers {
  readonly items: { from: string; lane: Lane; incarnation: string; bytes: Uint8Array }[] = []
  readonly batches: number[] = []
  readonly requests: IncomingRequest[] = []
  readonly states: string[] = []
  /** Answers each request at once; undefined keeps them open. */
  respond: ((request: IncomingRequest) => Uint8Array | undefined) | undefined

  constructor(respond?: (request: IncomingRequest) => Uint8Array | undefined) {
    this.respond = respond
  }

  onItems(from: string, lane: Lane, items: readonly Uint8Array[], incarnation: string): void {
    this.batches.push(items.length)
    for (const bytes of items) this.items.push({ from, lane, incarnation, bytes })
  }

  onRequest(request: IncomingRequest): void {
    this.requests.push(request)
    const answer = this.respond?.(request)
    if (answer !== undefined) request.reply(answer)
  }

  onState(state: 'open' | 'reconnecting' | 'closed'): void {
    this.states.push(state)
  }
}

/** Echoes the body. */
export function echo(): Recorder {
  return new Recorder((request) => request.body)
}

export function ask(
  transport: Transport,
  to: string,
  body: Uint8Array,
  timeoutMs = 20_000,
): Promise<Uint8Array | RequestFailure> {
  return new Promise((resolve, reject) => {
    let count = 0
    transport.request(to, body, timeoutMs, (answer) => {
      if (++count > 1) reject(new Error('done was called twice'))
      resolve(answer)
    })
  })
}

/** Patience, not speed: only a hang fails. */
export async function until(what: string, holds: () => boolean, patienceMs = 30_000): Promise<void> {
  const endMs = performance.now() + patienceMs
  while (!holds()) {
    assert.ok(performance.now() < endMs, `waited ${patienceMs} ms in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 3))
  }
}

/** `length` bytes that depend on `seed` and place, so that bytes of the wrong message or at the wrong place are seen. */
export function pattern(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = seed | 0
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0
    bytes[i] = state >>> 16
  }
  return bytes
}

export function number32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}

export function readNumber32(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0)
}

/** Fails when bytes differ, without printing megabytes. */
export function assertSameBytes(actual: unknown, expected: Uint8Array, what: string): void {
  if (!(actual instanceof Uint8Array)) assert.fail(`${what}: ${String(actual)} instead of bytes`)
  assert.equal(actual.length, expected.length, `${what}: length`)
  assert.ok(Buffer.compare(actual, expected) === 0, `${what}: bytes differ`)
}

/** Everything that was logged, as text. */
export class LogText implements Logger {
  text = ''
  log(level: string, message: string, fields?: Record<string, unknown>): void {
    this.text += `${level} ${message} ${JSON.stringify(fields ?? {})}\n`
  }
}
