/** The file system: the real one, and one in memory that can fail. */

export { makeDirectory } from './make-directory.ts'
export { type FaultyOperation, MemoryFiles, type MemoryFilesOptions } from './memory-files.ts'
export { NodeFiles, syncDirectory } from './node-files.ts'
