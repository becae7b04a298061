/** Opens a transport over NATS: nats-server, a cluster of them, or the embedded broker. */
import { present, silentLogger } from '../../base/index.ts'
import { CHANNELS, CONTROL, channelName } from '../channels.ts'
import { CONNECTIONS } from '../connections.ts'
import { checkTransportOptions, FrameTransport, type TransportOptions } from '../frame-transport.ts'
import type { Transport } from '../transport.ts'
import { Complaints } from './complaints.ts'
import { answerDiscovery } from './discovery.ts'
import { type NatsServerOptions, shownServers, toConnectionOptions } from './nats-options.ts'
import { NatsWire } from './nats-wire.ts'

export interface NatsTransportOptions extends TransportOptions, NatsServerOptions {
  /**
   * A store has a connection for liveness, one for bulk data, and one for Raft and requests, whose frames of a turn then share a write.
   * A client has one for everything.
   */
  readonly role: 'store' | 'client'
  /** How long to wait for the broker before going on without it, in milliseconds. */
  readonly startWaitMsMax?: number
}

const START_WAIT_MS_DEFAULT = 2_000

/**
 * Resolves once connected, or after `startWaitMsMax` without a broker: then the state is `connecting` and it goes on trying for ever, so a
 * store can start before its broker. Rejects with TransportError: `BAD_ID`, `BAD_OPTIONS`, or `AUTH_FAILED` and `TLS_FAILED` when the
 * broker turns us away in that time (later it only says so in the log).
 */
export async function openNatsTransport(options: NatsTransportOptions): Promise<Transport> {
  checkTransportOptions(options)
  const { address, clock, servers, role, logger = silentLogger } = options
  const connections = CONNECTIONS[role]
  const wires: NatsWire[] = []
  const wireOf: NatsWire[] = []
  const shown = shownServers(servers)
  const complaints = new Complaints(clock, logger, shown)
  for (const channels of connections) {
    const what = channels.length === CHANNELS.length ? 'all' : channels.map(channelName).join('+')
    const connection = await toConnectionOptions(options, `flotilla ${options.clusterId} ${role} ${address} ${what}`)
    const wire = new NatsWire({ connection, servers: shown, clock, logger, complaints })
    wires.push(wire)
    for (const channel of channels) wireOf[channel] = wire
  }
  const transport = new FrameTransport(options, wireOf)
  if (role === 'store') answerDiscovery(present(wireOf[CONTROL], 'control wire'), options.clusterId, address)
  const failure = await new Promise<Error | undefined>((resolve) => {
    const timer = clock.after(options.startWaitMsMax ?? START_WAIT_MS_DEFAULT, () => resolve(undefined))
    const outcomes = wires.map(async (wire) => {
      const outcome = await wire.connect()
      if (outcome !== undefined) resolve(outcome)
    })
    void Promise.all(outcomes).then(() => {
      timer.cancel()
      resolve(undefined)
    })
  })
  if (failure === undefined) return transport
  await transport.close()
  throw failure
}
