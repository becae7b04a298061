/** A process with a router and no store, such as an application that connects over the broker: the other kind of gateway. */
import { createRouter, type Router } from '../router/index.ts'
import { CONNECTIONS, FrameTransport } from '../transport/index.ts'
import type { Network, SimulatedWire } from './network.ts'
import type { SimulatedProcess } from './simulated-process.ts'
import { CLUSTER_ID } from './simulated-store.ts'

export function openClientProcess(process: SimulatedProcess, network: Network, stores: readonly string[]): Router {
  const { clock, random, name } = process
  const wireOf: SimulatedWire[] = []
  for (const channels of CONNECTIONS.client) {
    const wire = network.connect(process, name)
    for (const channel of channels) wireOf[channel] = wire
  }
  const transport = new FrameTransport({ clusterId: CLUSTER_ID, address: name, incarnation: '', clock, random }, wireOf)
  let next = random.below(stores.length)
  return createRouter({
    clock,
    transport,
    anyStore: () => stores[next++ % stores.length] ?? '',
    close: () => transport.close(),
  })
}
