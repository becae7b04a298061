/** Native clients as targets: databases that are reached through their own client rather than over HTTP. */
export { type JetStreamOptions, JetStreamTarget } from './jetstream.ts'
