/** The embedded broker: the core NATS protocol in this process. Imports only base. */
export { type Broker, type BrokerOptions, type BrokerStats, startBroker } from './broker.ts'
export type { BrokerAuth } from './credentials.ts'
export type { BrokerLimits } from './limits.ts'
export { BrokerListenError, type BrokerListenErrorCode } from './listen-error.ts'
