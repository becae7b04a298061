/** Completion of command lines: the tree of words, and the scripts that shells load. */
export { bashScript } from './bash.ts'
export { type CommandNode, commandTree, NAME_KINDS, type NameKind } from './command-tree.ts'
export { fishScript } from './fish.ts'
export { zshScript } from './zsh.ts'
