/** What operators do while everything runs: leaders are moved about. */
import type { Fault } from './fault.ts'

const MOVES_MAX = 6

const transfer: Fault = {
  name: 'transfer',
  weight: 2,
  async run(scene, random, mark) {
    const via = random.pick(scene.sound)
    if (via === undefined) return 'not now'
    mark.begins(`leaders are moved about through ${via}`)
    for (let count = random.between(1, MOVES_MAX); count > 0; count--) {
      // While other faults last there may be nobody to ask, and a refusal is an honest answer.
      try {
        const shard = random.pick(await scene.cluster.shards(via))
        const store = random.pick(shard?.replicas ?? [])?.store
        if (shard === undefined || store === undefined) continue
        await scene.cluster.http(via, {
          method: 'POST',
          path: `/admin/shards/${shard.id}/transfer-leader`,
          headers: { 'Flotilla-Timeout-Ms': '2000' },
          body: JSON.stringify({ store }),
        })
      } catch {
        // As above.
      }
    }
    mark.ends()
    return 'done'
  },
}

export const OPERATOR_FAULTS: readonly Fault[] = [transfer]
