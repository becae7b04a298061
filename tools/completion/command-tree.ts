/**
 * The words of the command line as plain data: which commands there are below which, and which options each takes. Read from the parser itself, so
 * that a command cannot be forgotten.
 */
import type { Command, Option } from 'commander'
import { FORMATS } from '../cli/index.ts'

export interface OptionNode {
  /** Such as `-o` and `--output`. */
  readonly words: readonly string[]
  readonly description: string
  readonly takesValue: boolean
  /** What the value can be, where that is known. */
  readonly values: readonly string[]
}

export interface CommandNode {
  /** The words that lead here, without the name of the program; empty for the program itself. */
  readonly path: readonly string[]
  readonly description: string
  /** Options of its own, and those that stand everywhere. */
  readonly options: readonly OptionNode[]
  readonly children: readonly CommandNode[]
  /** What its first argument can be, where that is known. */
  readonly values: readonly string[]
  /** What the cluster is asked for at each argument, up to the last that is a name of something. */
  readonly names: readonly (NameKind | undefined)[]
}

/** What `flotilla completion names` lists. A subject is whatever `flotilla explain` takes. */
export type NameKind = (typeof NAME_KINDS)[number]
export const NAME_KINDS = ['store', 'shard', 'operator', 'scheduler', 'setting', 'subject'] as const

/** By the first word of the command and the name of the argument, or by the name alone. */
const NAMED: Readonly<Record<string, NameKind>> = {
  store: 'store',
  from: 'store',
  to: 'store',
  shard: 'shard',
  with: 'shard',
  operator: 'operator',
  subject: 'subject',
  'shard id': 'shard',
  'scheduler name': 'scheduler',
  'config name': 'setting',
}

const VALUES: Readonly<Record<string, readonly string[]>> = {
  completion: ['bash', 'zsh', 'fish'],
  'debug profile': ['cpu', 'heap'],
}
const HELP: OptionNode = { words: ['-h', '--help'], description: 'show help', takesValue: false, values: [] }
const OUTPUT = '--output'
/** Has options of its own and no others. */
const BENCH = 'bench'

export function commandTree(program: Command): CommandNode {
  const everywhere = [...program.options.filter((option) => option.long !== '--version').map(optionNode), HELP]
  return node(program, [], everywhere)
}

/** This node and all below it. */
export function allNodes(root: CommandNode): readonly CommandNode[] {
  return [root, ...root.children.flatMap(allNodes)]
}

function node(command: Command, path: readonly string[], everywhere: readonly OptionNode[]): CommandNode {
  const own = path.length === 0 ? [] : command.options.map(optionNode)
  const shared = path[0] === BENCH ? [HELP] : everywhere
  return {
    path,
    description: command.description(),
    options: [...own, ...shared],
    children: command.commands.map((child) => node(child, [...path, child.name()], everywhere)),
    values: VALUES[path.join(' ')] ?? [],
    names: namesOf(command, path),
  }
}

function namesOf(command: Command, path: readonly string[]): readonly (NameKind | undefined)[] {
  // Its id is not known yet.
  if (path.join(' ') === 'store register') return []
  const kinds = command.registeredArguments.map((each) => NAMED[`${path[0]} ${each.name()}`] ?? NAMED[each.name()])
  return kinds.slice(0, kinds.findLastIndex((kind) => kind !== undefined) + 1)
}

function optionNode(option: Option): OptionNode {
  return {
    words: [option.short, option.long].filter((word) => word !== undefined && word !== null),
    description: option.description,
    takesValue: option.required || option.optional,
    values: option.long === OUTPUT ? FORMATS : [],
  }
}
