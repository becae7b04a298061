import { PLACEMENT_SHARD, type ShardMap, type StoreId } from '../../shard-map/index.ts'
import { type Clock, present } from '../base/index.ts'
import { decodeReply, encodeRequest, type Reply, type Request } from '../protocol/index.ts'
import { INITIAL_INDEX } from '../store/index.ts'
import type { Transport } from '../transport/index.ts'

/**
 * May a store with an empty directory found the cluster together with the other founders, or does the cluster exist already? A store
 * that lost its data must not take part in elections as if it had never voted: it could help to elect a leader that misses what was
 * acknowledged. Its own directory cannot tell it, and neither can silence, so it asks the others until it knows.
 */
export type FoundingVerdict =
  /** Most of the founders, this one among them, have never held anything of a cluster. */
  | { readonly kind: 'found' }
  /** The cluster exists and does not know this store, or only by name: it joins through the map. */
  | { readonly kind: 'join' }
  /** The cluster knows this store id with other data. */
  | { readonly kind: 'refuse'; readonly reason: string }

const ATTEMPT_TIMEOUT_MS = 500
const PAUSE_MS_MIN = 50
const PAUSE_MS_MAX = 500

/**
 * Resolves when enough founders have answered; stays pending while most of them are silent, and for ever once the transport is closed. As long as
 * fewer than half of the founders lose their data, a majority of new ones cannot be found again after the first time.
 */
export function judgeFounding(options: {
  readonly clock: Clock
  readonly transport: Transport
  readonly id: StoreId
  readonly incarnation: string
  /** The stores of the placement driver's group at its founding. */
  readonly founders: readonly StoreId[]
}): Promise<FoundingVerdict> {
  const { clock, transport, id, incarnation, founders } = options
  const newOnes = new Set<StoreId>([id])
  return new Promise((resolve) => {
    let isOver = false
    const end = (verdict: FoundingVerdict): void => {
      isOver = true
      resolve(verdict)
    }
    const count = (): void => {
      if (newOnes.size * 2 > founders.length) end({ kind: 'found' })
    }
    const request = (founder: StoreId, what: Request, answered: (reply: Reply | undefined) => void): void => {
      transport.request(founder, encodeRequest(what), ATTEMPT_TIMEOUT_MS, (answer) => {
        if (isOver || answer === 'closed') return
        const reply = typeof answer === 'string' ? undefined : decodeReply(answer)
        answered(reply?.ok === true ? reply.value : undefined)
      })
    }
    const ask = (founder: StoreId, pauseMs: number): void => {
      if (isOver) return
      const later = (): void => {
        clock.after(pauseMs, () => ask(founder, Math.min(PAUSE_MS_MAX, pauseMs * 2)))
      }
      request(founder, { kind: 'map', since: 0 }, (map) => {
        if (map?.kind !== 'map') {
          newOnes.delete(founder)
          later()
        } else if (map.map !== undefined) {
          end(judgeMap(map.map, id, incarnation))
        } else {
          // It knows no map: as new as we are, or just restarted.
          request(founder, { kind: 'describe-replica', shard: PLACEMENT_SHARD }, (replica) => {
            if (isNewFounder(replica)) newOnes.add(founder)
            else newOnes.delete(founder)
            count()
            if (!isOver) later()
          })
        }
      })
    }
    count()
    for (const founder of founders) if (founder !== id) ask(founder, PAUSE_MS_MIN)
  })
}

/** Has no replica of the placement driver's group, or one that was founded a moment ago and holds nothing yet. */
function isNewFounder(reply: Reply | undefined): boolean {
  if (reply?.kind === 'error') return reply.error.code === 'SHARD_NOT_FOUND'
  if (reply?.kind !== 'describe-replica') return false
  const { replica } = reply
  return (
    typeof replica === 'object' && replica !== null && 'lastIndex' in replica && replica.lastIndex === INITIAL_INDEX
  )
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
