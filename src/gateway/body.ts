/**
 * Gathers a request body from Node's stream. Most bodies arrive in one chunk and are handed on without a copy; others grow in one buffer,
 * because a sender may cut a body into millions of chunks, and a list of those would outweigh it a hundredfold. Called by exchanges.
 */
import type { IncomingMessage } from 'node:http'
import { EMPTY_BYTES } from '../base/index.ts'

export const NO_BODY = Buffer.from(EMPTY_BYTES)

const GROWTH_BYTES_MIN = 16 * 1024

export interface BodySink {
  /** More arrived; false when no more is wanted, and then nothing further is gathered. */
  takeBytes(bytes: number): boolean
  /** Everything is here. */
  endBody(body: Buffer): void
}

/** `declaredBytes` is undefined for a chunked body, which ends where its framing says. */
export function collectBody(incoming: IncomingMessage, declaredBytes: number | undefined, sink: BodySink): void {
  let body: Buffer = NO_BODY
  let buffer: Buffer | undefined
  incoming.on('data', (chunk: Buffer) => {
    if (!sink.takeBytes(chunk.length)) return
    if (body.length === 0) body = chunk
    else {
      buffer = appended(buffer ?? body, body.length, chunk)
      body = buffer.subarray(0, body.length + chunk.length)
    }
    if (body.length === declaredBytes) sink.endBody(body)
  })
  if (declaredBytes === undefined) incoming.on('end', () => sink.endBody(body))
}

/** A buffer that begins with `used` bytes of `buffer` and goes on with `chunk`: the same one while there is room. */
function appended(buffer: Buffer, used: number, chunk: Buffer): Buffer {
  const needed = used + chunk.length
  // A buffer of exactly the used size may be a received chunk, which belongs to Node.
  const target = buffer.length >= needed ? buffer : Buffer.allocUnsafe(Math.max(GROWTH_BYTES_MIN, 2 * needed))
  if (target !== buffer) buffer.copy(target, 0, 0, used)
  chunk.copy(target, used)
  return target
}
