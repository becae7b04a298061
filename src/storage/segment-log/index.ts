/** The shared log on disk. */
export { openSegmentLog, type SegmentLogOptions } from './open-segment-log.ts'
