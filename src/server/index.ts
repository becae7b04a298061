/** Composition roots: where the real world is plugged into the parts. */
export {
  type Cluster,
  type ConnectOptions,
  type CreateClusterOptions,
  connect,
  createCluster,
  type OpenStoreOptions,
  openStore,
} from './embedded.ts'
export { type RunningNode, startNode } from './start-node.ts'
export { VERSION } from './version.ts'
