/** How the processes of a cluster talk: the port and its adapters. Knows nothing of Raft, shards or HTTP. */
export type { ChannelName } from './channels.ts'
export { CONNECTIONS } from './connections.ts'
export { type FrameEntry, readFrame } from './frame.ts'
export { type FrameKeys, findUnusableKey } from './frame-seal.ts'
export { FrameTransport, type TransportOptions } from './frame-transport.ts'
export {
  createMemoryHub,
  type MemoryFaults,
  type MemoryFrame,
  type MemoryHub,
  type MemoryHubOptions,
  type MemoryPolicy,
} from './memory/memory-hub.ts'
export { openMemoryTransport } from './memory/open-memory-transport.ts'
export { type DiscoveredCluster, type DiscoveryOptions, discoverCluster } from './nats/discovery.ts'
export type { NatsCredentials, NatsServerOptions, NatsTls } from './nats/nats-options.ts'
export { type NatsTransportOptions, openNatsTransport } from './nats/open-nats-transport.ts'
export type {
  IncomingRequest,
  Lane,
  PeerAddress,
  RequestFailure,
  Transport,
  TransportHandlers,
  TransportStats,
} from './transport.ts'
export { TransportError, type TransportErrorCode } from './transport-error.ts'
export type { Wire } from './wire.ts'
