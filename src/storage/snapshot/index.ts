/** Snapshots of a group: their bytes, export, staging and installation, inline or in workers. The only folder that imports Piscina. */
export { destroyRange, installRange, type Pause } from './range-changer.ts'
export { InlineRunner, type SnapshotRunner } from './runner.ts'
export { SnapshotReceiver } from './snapshot-receiver.ts'
export { FileStaging, type Staging } from './staging.ts'
export { WorkerRunner } from './worker-runner.ts'
