/** Native clients as targets: databases that are reached through their own client rather than over HTTP. */
export { FlotillaNativeTarget, type NativeClient } from './flotilla-native.ts'
export { JetStreamTarget } from './jetstream.ts'
