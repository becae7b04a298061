import { MemoryLog, NodeFiles } from '../../../src/storage/index.ts'
import { logStoreConformance } from './log-store-conformance.ts'
import { memoryFiles, openLog, promptClock, temporaryDirectory } from './support.ts'

/** The conformance suite of the LogStore port on all adapters. */
const SEGMENT_BYTES = 8 * 1024

logStoreConformance({
  name: 'segment log on real files',
  prepare(context, cacheBytes) {
    const directory = temporaryDirectory(context)
    return () => openLog(new NodeFiles(directory), SEGMENT_BYTES, cacheBytes)
  },
})

logStoreConformance({
  name: 'segment log on memory files',
  prepare(_context, cacheBytes) {
    const files = memoryFiles(1)
    return () => openLog(files, SEGMENT_BYTES, cacheBytes)
  },
})

logStoreConformance({
  name: 'memory log',
  volatileBecause: 'a log in memory forgets everything when it is closed',
  prepare() {
    return () => new MemoryLog(promptClock.soon)
  },
})
