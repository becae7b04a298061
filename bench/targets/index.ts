/** Native clients as targets: databases that are reached through their own client rather than over HTTP. */
export { type FlotillaNativeOptions, FlotillaNativeTarget, type NativeClient } from './flotilla-native.ts'
export { type JetStreamOptions, JetStreamTarget } from './jetstream.ts'
