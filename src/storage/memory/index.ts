/** The memory adapter of the `KvStore` port, on a disk that can crash. */
export { MemoryDisk, type MemoryDiskOptions } from './memory-disk.ts'
export { MemoryKvStore } from './memory-kv-store.ts'
export { MemoryStaging } from './memory-staging.ts'
