/** A log store without files. */
export { MemoryLog } from './memory-log.ts'
