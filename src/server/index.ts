/** Composition roots: where the real world is plugged into the parts. */
export { type ConnectOptions, connect } from './connect.ts'
export {
  type Cluster,
  type CreateClusterOptions,
  createCluster,
  type OpenStoreOptions,
  openStore,
} from './embedded.ts'
export type { TracingOptions } from './embedded-tracing.ts'
export { type CreateEventsOptions, createEvents } from './events.ts'
export { composeNode, type Node, type NodeOptions, type NodeStorage } from './node.ts'
export { type RunningNode, startNode } from './start-node.ts'
