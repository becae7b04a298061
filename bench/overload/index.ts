/** `bench overload`: what becomes of a cluster that is asked for several times what it can do. */
export { type OverloadFigures, verdicts } from './judge.ts'
export { type OverloadOptions, overloadCommand } from './overload-command.ts'
