import type { StoreId } from '../../shard-map/index.ts'
import type { ClusterConfig } from '../machine/index.ts'
import { decodeReply, encodeRequest } from '../protocol/index.ts'
import type { Store } from '../store/index.ts'
import type { Transport } from '../transport/index.ts'

/**
 * Tells stores of settings that were just changed, so that whoever changed them may count on it. It does not repeat itself: a store that does not
 * hear it has them with its next heartbeat. Whoever hears it knows by that, too, which store leads the placement driver's group.
 */
const TIMEOUT_MS = 1_000

/** `done` is told which of the stores did not confirm, once all have answered or a moment has passed. */
export function spreadSettings(
  { transport, store }: { readonly transport: Transport; readonly store: Store },
  stores: readonly StoreId[],
  config: ClusterConfig,
  done: (unreached: readonly StoreId[]) => void,
): void {
  store.settings.learn(config)
  const others = stores.filter((id) => id !== store.id)
  const unreached: StoreId[] = []
  let open = others.length
  if (open === 0) done([])
  const request = encodeRequest({ kind: 'learn-settings', config })
  for (const id of others) {
    transport.request(id, request, TIMEOUT_MS, (answer) => {
      const reply = typeof answer === 'string' ? undefined : decodeReply(answer)
      if (reply?.ok !== true || reply.value.kind !== 'done') unreached.push(id)
      open--
      if (open === 0) done(unreached)
    })
  }
  transport.flush()
}
