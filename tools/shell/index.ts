/** The interactive shells: words that people know from elsewhere, history and completion around the commands of this program. */
export { CLUSTER_DIALECT, type Dialect, storeDialect } from './dialect.ts'
export { runShell } from './shell.ts'
