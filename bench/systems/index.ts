/** The databases that `compare` starts, and what starting and measuring them needs. */
export { ChildProcesses } from './child-processes.ts'
export { EtcdSystem } from './etcd.ts'
export { FlotillaSystem } from './flotilla.ts'
export { JetStreamSystem } from './jetstream.ts'
export { packageRoot } from './package-root.ts'
export { ServerMeter } from './server-meter.ts'
export { withServersAndData } from './servers-and-data.ts'
export type { Access, RunningSystem, System, SystemName } from './system.ts'
