/**
 * Faults of the cable between a store and the broker, below TCP: packets vanish in both directions or in one, and nobody is told. Unlike behind a
 * proxy, connections then live or die as they do in a data centre. Only where every store has a network of its own.
 */
import { type Deafness, NO_NAMESPACES } from '../cluster/network-namespace.ts'
import type { Fault } from './fault.ts'
import { hold, oneStore } from './fault.ts'
import { CUT_MS, mustNotBeReady, UNREADY_AFTER_MS } from './network-faults.ts'
import type { Scene } from './scene.ts'
import type { SeededRandom } from './seeded-random.ts'

function cableFault(name: string, weight: number, deafOf: (random: SeededRandom) => Deafness | undefined): Fault {
  return {
    name,
    weight,
    impossible: (scene: Scene) =>
      scene.cluster.ids.some((id) => scene.network(id) === undefined) ? NO_NAMESPACES : undefined,
    async run(scene, random, mark) {
      const ids = await oneStore(scene, random)
      const [id] = ids
      const network = id === undefined ? undefined : scene.network(id)
      if (id === undefined || network === undefined) return 'not now'
      const deaf = deafOf(random)
      mark.begins(`the cable of ${id} ${deaf === undefined ? 'is pulled' : `loses what is sent to the ${deaf}`}`)
      if (deaf === undefined) network.pull()
      else network.deafen(deaf)
      const heldMs = random.between(...CUT_MS)
      await hold(random, heldMs, heldMs)
      if (heldMs > UNREADY_AFTER_MS) await mustNotBeReady(scene, id)
      network.mend()
      mark.ends()
      await scene.waitServing(id)
      scene.release(ids)
      return 'done'
    },
  }
}

export const CABLE_FAULTS: readonly Fault[] = [
  cableFault('cable', 3, () => undefined),
  cableFault('cable-one-way', 2, (random) => (random.chance(50) ? 'store' : 'broker')),
]
