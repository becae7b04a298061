/** The LevelDB adapter of the `KvStore` port. The only folder that imports classic-level. */
export { LevelKvStore, type LevelOptions } from './level-kv-store.ts'
