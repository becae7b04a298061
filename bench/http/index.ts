/** Load over HTTP: one lean implementation for every database that speaks it. */
export type { HttpDialect } from './dialect.ts'
export { etcdDialect } from './etcd-dialect.ts'
export { flotillaDialect } from './flotilla-dialect.ts'
export type { HttpEndpoint } from './http-lane.ts'
export { HttpTarget } from './http-target.ts'
export { EtcdLeader, FlotillaLeaders } from './leader-directory.ts'
export { ResponseParser } from './response-parser.ts'
