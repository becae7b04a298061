import type { ShardMap, StoreId } from '../../shard-map/index.ts'
import { type Clock, present } from '../base/index.ts'
import { decodeReply, encodeRequest } from '../protocol/index.ts'
import type { Transport } from '../transport/index.ts'

/**
 * May a store with an empty directory found the cluster together with the other founders, or does the cluster exist already? A store
 * that lost its data must not take part in elections as if it had never voted: it could help to elect a leader that misses what was
 * acknowledged. So it asks the others first.
 */
export type FoundingVerdict =
  | { readonly kind: 'found' }
  /** The cluster exists and does not know this store, or only by name: it joins through the map. */
  | { readonly kind: 'join' }
  /** The cluster knows this store id with other data. */
  | { readonly kind: 'refuse'; readonly reason: string }

const ATTEMPT_TIMEOUT_MS = 500
const PATIENCE_MS = 1_500

export function judgeFounding(options: {
  readonly clock: Clock
  readonly transport: Transport
  readonly id: StoreId
  readonly incarnation: string
  readonly founders: readonly StoreId[]
}): Promise<FoundingVerdict> {
  const { clock, transport, id, incarnation } = options
  const others = new Set(options.founders.filter((founder) => founder !== id))
  const deadlineMs = clock.nowMs() + PATIENCE_MS
  return new Promise((resolve) => {
    let isOver = false
    const end = (verdict: FoundingVerdict): void => {
      isOver = true
      resolve(verdict)
    }
    const answered = (founder: StoreId, map: ShardMap | undefined): void => {
      if (map !== undefined) {
        end(judgeMap(map, id, incarnation))
        return
      }
      // It knows no map either: it is as new as we are.
      others.delete(founder)
      if (others.size === 0) end({ kind: 'found' })
    }
    const ask = (founder: StoreId): void => {
      if (isOver) return
      if (clock.nowMs() >= deadlineMs) {
        // Silence: nobody of the founders runs. Should the cluster exist after all, its members refuse our messages by our incarnation.
        end({ kind: 'found' })
        return
      }
      transport.request(founder, encodeRequest({ kind: 'map', since: 0 }), ATTEMPT_TIMEOUT_MS, (answer) => {
        if (isOver) return
        const reply = typeof answer === 'string' ? undefined : decodeReply(answer)
        if (reply?.ok === true && reply.value.kind === 'map') answered(founder, reply.value.map)
        else clock.after(50, () => ask(founder))
      })
    }
    if (others.size === 0) end({ kind: 'found' })
    for (const founder of others) ask(founder)
  })
}

function judgeMap(map: ShardMap, id: StoreId, incarnation: string): FoundingVerdict {
  const known = map.stores.find((store) => store.id === id)
  if (known === undefined || known.incarnation === '' || known.incarnation === incarnation) return { kind: 'join' }
  return {
    kind: 'refuse',
    reason:
      `the cluster knows store ${present(known, 'store').id} with other data than this directory holds. If the old data is lost for good, ` +
      'start under a new store id; otherwise restore its directory',
  }
}
