/** How the processes of a cluster talk: the port and its adapters. Knows nothing of Raft, shards or HTTP. */
export type {
  IncomingRequest,
  Lane,
  PeerAddress,
  RequestFailure,
  Transport,
  TransportHandlers,
  TransportStats,
} from './transport.ts'
