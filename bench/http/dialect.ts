/**
 * The port for what differs between databases that speak HTTP: how a request is written and what an answer means. Everything else, from
 * the socket to the parser, is the same code for all of them, so that a comparison compares servers.
 */
import type { LaneObserver } from '../load/index.ts'
import type { RequestBuffer } from './request-buffer.ts'

export interface HttpDialect {
  readonly name: string
  /** `host` is the value of the Host header. */
  writePut(request: RequestBuffer, host: string, key: string, value: Buffer): void
  writeGet(request: RequestBuffer, host: string, key: string): void
  /** Tells `observer` what the answer to a put means; exactly one call. */
  readPut(lane: number, status: number, body: Buffer, observer: LaneObserver): void
  readGet(lane: number, status: number, body: Buffer, observer: LaneObserver): void
}
