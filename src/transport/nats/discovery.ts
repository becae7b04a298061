/**
 * How somebody who knows only a broker finds a cluster: a question to whoever listens, answered by every store. No part of the transport
 * proper: it needs no address and keeps no connection. Both messages are msgpack arrays on subjects too short to be those of a stream.
 *
 *   | subject                  | values                     | meaning                                                       |
 *   |--------------------------|----------------------------|---------------------------------------------------------------|
 *   | `flotilla.hello`         | 1, answer token, clusterId | who is there? An empty clusterId asks every cluster.          |
 *   | `flotilla.hello.<token>` | 1, clusterId, address      | a store of that cluster                                       |
 */
import { encode } from '@msgpack/msgpack'
import { nuid } from 'nats'
import { type Clock, type Logger, silentLogger } from '../../base/index.ts'
import { TRANSPORT_LIMITS } from '../limits.ts'
import { MsgpackReader } from '../msgpack-reader.ts'
import { checkId, isAddress } from '../subject.ts'
import type { PeerAddress } from '../transport.ts'
import { TransportError } from '../transport-error.ts'
import type { Wire } from '../wire.ts'
import { type NatsServerOptions, shownServers, toConnectionOptions } from './nats-options.ts'
import { NatsWire } from './nats-wire.ts'

const VERSION = 1
const HELLO = 'flotilla.hello'
const WAIT_MS_DEFAULT = 3_000
/** After the first answer: stores answer at once, so this is only for those that are busy. */
const GATHER_MS = 150
/** A store may start between two questions. */
const ASK_AGAIN_MS = 250

export interface DiscoveryOptions extends NatsServerOptions {
  readonly clock: Clock
  /** Which cluster, where several share a broker. */
  readonly clusterId?: string
  /** How long to look for a broker and a cluster, in milliseconds. */
  readonly waitMsMax?: number
  readonly logger?: Logger
}

export interface DiscoveredCluster {
  readonly clusterId: string
  /** Stores that answered, in order; at least one, not necessarily all. */
  readonly stores: readonly PeerAddress[]
}

/**
 * Finds a cluster and some of its stores. Rejects with TransportError: `NO_BROKER`, `NO_CLUSTER` when no store answers, and
 * `SEVERAL_CLUSTERS` when stores of more than one do and `clusterId` does not choose; and as `openNatsTransport` does.
 */
export async function discoverCluster(options: DiscoveryOptions): Promise<DiscoveredCluster> {
  const { clock, logger = silentLogger, clusterId = '' } = options
  if (clusterId !== '') checkId('cluster id', clusterId)
  const servers = shownServers(options.servers)
  const connection = await toConnectionOptions(options, 'flotilla discovery')
  const wire = new NatsWire({ connection, servers, clock, logger })
  try {
    return await ask(wire, clock, servers, clusterId, options.waitMsMax ?? WAIT_MS_DEFAULT)
  } finally {
    await wire.close()
  }
}

/** Answers for one store, as long as `wire` lives. */
export function answerDiscovery(wire: Wire, clusterId: string, address: PeerAddress): void {
  const answer = encode([VERSION, clusterId, address])
  wire.subscribe(HELLO, (bytes) => {
    const question = readMessage(bytes)
    if (question === undefined) return
    const [token, asked] = question
    if (!isAddress(token) || (asked !== '' && asked !== clusterId)) return
    wire.publish(`${HELLO}.${token}`, answer.slice())
  })
}

async function ask(
  wire: NatsWire,
  clock: Clock,
  servers: string,
  clusterId: string,
  waitMsMax: number,
): Promise<DiscoveredCluster> {
  const found = new Map<string, Set<PeerAddress>>()
  const token = nuid.next()
  let onAnswer: (() => void) | undefined
  wire.subscribe(`${HELLO}.${token}`, (bytes) => {
    const answer = readMessage(bytes)
    if (answer === undefined || !answer.every(isAddress)) return
    const [cluster, store] = answer
    const stores = found.get(cluster) ?? new Set()
    found.set(cluster, stores.add(store))
    onAnswer?.()
  })
  const endMs = clock.nowMs() + waitMsMax
  const pause = (delayMs: number): Promise<void> =>
    new Promise((resolve) => {
      clock.after(Math.max(1, Math.min(delayMs, endMs - clock.nowMs())), resolve)
    })
  const outcome = await Promise.race([wire.connect(), pause(waitMsMax)])
  if (outcome instanceof TransportError) throw outcome
  if (!wire.isOpen) {
    throw new TransportError('NO_BROKER', `no NATS server answers at ${servers}: start one, or correct the address`)
  }
  while (found.size === 0 && clock.nowMs() < endMs) {
    wire.publish(`${HELLO}`, encode([VERSION, token, clusterId]))
    const answered = new Promise<void>((resolve) => {
      onAnswer = resolve
    })
    await Promise.race([answered, pause(ASK_AGAIN_MS)])
  }
  if (found.size > 0) await pause(GATHER_MS)
  return choose(found, clusterId, servers)
}

function choose(
  found: ReadonlyMap<string, ReadonlySet<PeerAddress>>,
  clusterId: string,
  servers: string,
): DiscoveredCluster {
  const [first, ...others] = [...found].sort(([a], [b]) => (a < b ? -1 : 1))
  if (first === undefined) {
    const which = clusterId === '' ? 'any cluster' : `cluster ${JSON.stringify(clusterId)}`
    throw new TransportError(
      'NO_CLUSTER',
      `no store of ${which} answers through ${servers}: start one, or check the cluster id`,
    )
  }
  if (others.length > 0) {
    const names = [first, ...others].map(([name]) => name).join(', ')
    throw new TransportError(
      'SEVERAL_CLUSTERS',
      `several clusters share ${servers}: choose one of ${names} by its cluster id`,
    )
  }
  const [name, stores] = first
  return { clusterId: name, stores: [...stores].sort() }
}

/** The two texts of a message, or undefined when it is none. */
function readMessage(bytes: Uint8Array): readonly [string, string] | undefined {
  const reader = new MsgpackReader()
  reader.open(bytes)
  if (reader.array() !== 3 || reader.uint() !== VERSION) return undefined
  const texts = [reader.text(TRANSPORT_LIMITS.addressCharsMax), reader.text(TRANSPORT_LIMITS.addressCharsMax)] as const
  return reader.failed || !reader.atEnd ? undefined : texts
}
