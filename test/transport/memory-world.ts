/** A small world on a virtual clock: a hub, its transports, and questions whose ends a test can look at. */
import assert from 'node:assert/strict'
import {
  createMemoryHub,
  type MemoryHub,
  openMemoryTransport,
  type RequestFailure,
  type Transport,
} from '../../src/transport/index.ts'
import { seededRandom, VirtualClock } from './clocks.ts'
import type { Recorder } from './support.ts'

export interface World {
  readonly clock: VirtualClock
  readonly hub: MemoryHub
  open(address: string, handlers?: Recorder): Transport
}

export function world(seed = 1): World {
  const clock = new VirtualClock()
  const random = seededRandom(seed)
  const hub = createMemoryHub({ clock, random })
  return {
    clock,
    hub,
    open: (address, handlers) =>
      openMemoryTransport(hub, {
        clusterId: 'c',
        address,
        incarnation: `data-${address}`,
        clock,
        random,
        ...(handlers === undefined ? {} : { handlers }),
      }),
  }
}

/** The end of a request, once it has one. */
export function askNow(
  transport: Transport,
  to: string,
  body: Uint8Array,
  timeoutMs = 1000,
): { end?: Uint8Array | RequestFailure } {
  const asked: { end?: Uint8Array | RequestFailure } = {}
  transport.request(to, body, timeoutMs, (answer) => {
    assert.equal(asked.end, undefined, 'done was called twice')
    asked.end = answer
  })
  return asked
}
