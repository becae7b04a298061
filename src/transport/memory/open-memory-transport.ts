/** Opens a transport over a hub in this process: for the simulator, for tests, and for a cluster that lives in one process. */
import { CHANNELS } from '../channels.ts'
import { checkTransportOptions, FrameTransport, type TransportOptions } from '../frame-transport.ts'
import type { Transport } from '../transport.ts'
import type { MemoryHub } from './memory-hub.ts'
import { MemoryWire } from './memory-wire.ts'

/**
 * Open at once while the hub runs. Throws TransportError `BAD_ID`. Two transports with one cluster id and address are the caller's
 * mistake; close the first, as a crash would, before the second opens.
 */
export function openMemoryTransport(hub: MemoryHub, options: TransportOptions): Transport {
  checkTransportOptions(options)
  const wire = new MemoryWire(hub, options.address)
  return new FrameTransport(
    options,
    CHANNELS.map(() => wire),
  )
}
