/** The RocksDB adapter of the `KvStore` port. Loads the optional package `rocksdb` only when asked for, after a probe in a child process. */
export { openRocksKvStore } from './rocks-kv-store.ts'
export { loadRocks } from './rocks-module.ts'
