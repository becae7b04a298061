/** A router in virtual time, before stores that answer whatever a test says. */
import assert from 'node:assert/strict'
import { EMPTY_MAP, planBootstrap, type ShardMap } from '../../shard-map/index.ts'
import { decodeRequest, encodeReply, FlotillaError, type Reply, type Request } from '../../src/protocol/index.ts'
import { createRouter, type Router } from '../../src/router/index.ts'
import type { RequestFailure, Transport } from '../../src/transport/index.ts'
import { VirtualClock } from '../transport/clocks.ts'

export const TIMING = { raftMs: 0, applyMs: 0 }

export function twoShards(): ShardMap {
  const info = { id: 's1', address: '', labels: {}, incarnation: 'x', version: '1', state: 'up' as const }
  const { change } = planBootstrap({ stores: [info], replicas: 1, shards: 2 })
  return { ...EMPTY_MAP, version: 1, placement: change.placement, shards: change.shards, stores: change.stores }
}

/** A router whose stores answer as `store` says: a reply, bytes that may be none, why there is no answer, or undefined for none at all. */
export function makeRouter(
  store: (request: Request) => Reply | Uint8Array | RequestFailure | undefined,
  /** Whether the question for the map with this number, from 1, is answered. */
  tellsMap: (question: number) => boolean | ShardMap = () => true,
): {
  router: Router
  clock: VirtualClock
  map: ShardMap
} {
  const clock = new VirtualClock()
  const map = twoShards()
  let questions = 0
  const mapReply = (): Reply | undefined => {
    const told = tellsMap(++questions)
    return told === false ? undefined : { kind: 'map', map: told === true ? map : told, leaders: {} }
  }
  const transport = {
    state: 'open',
    isAbsent: () => false,
    request(_to: string, body: Uint8Array, timeoutMs: number, done: (answer: Uint8Array | RequestFailure) => void) {
      const decoded = decodeRequest(body)
      assert(decoded.ok)
      const request = decoded.value
      const reply = request.kind === 'map' ? mapReply() : store(request)
      if (reply === undefined) clock.after(timeoutMs, () => done('no-answer'))
      else
        clock.after(1, () =>
          done(typeof reply === 'string' || reply instanceof Uint8Array ? reply : encodeReply(reply)),
        )
    },
    flush() {},
  } as unknown as Transport
  const router = createRouter({ clock, transport, anyStore: () => 's1', close: async () => {} })
  return { router, clock, map }
}

/** The error that the call ends with, and when. */
export async function failure(
  clock: VirtualClock,
  call: Promise<unknown>,
): Promise<{ error: FlotillaError; atMs: number }> {
  const ended = await end(clock, call)
  assert('error' in ended, `answered with ${JSON.stringify(ended)}`)
  const { error } = ended
  assert(error instanceof FlotillaError, `ended with ${String(error)}`)
  return { error, atMs: clock.nowMs() }
}

/** What the call is answered with. */
export async function answer<T>(clock: VirtualClock, call: Promise<T>): Promise<T> {
  const ended = await end(clock, call)
  if ('error' in ended) throw ended.error
  return ended.answer
}

async function end<T>(clock: VirtualClock, call: Promise<T>): Promise<{ answer: T } | { error: unknown }> {
  let ended: { answer: T } | { error: unknown } | undefined
  call.then(
    (value) => {
      ended = { answer: value }
    },
    (error: unknown) => {
      ended = { error }
    },
  )
  for (let step = 0; step < 10_000 && ended === undefined; step++) {
    clock.advance(5)
    for (let turn = 0; turn < 20; turn++) await Promise.resolve()
  }
  assert(ended !== undefined, 'it does not end')
  return ended
}
