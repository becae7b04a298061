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
}

const SHELLS = ['bash', 'zsh', 'fish']
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
    values: command.registeredArguments[0]?.name() === 'shell' ? SHELLS : [],
  }
}

function optionNode(option: Option): OptionNode {
  return {
    words: [option.short, option.long].filter((word) => word !== undefined && word !== null),
    description: option.description,
    takesValue: option.required || option.optional,
    values: option.long === OUTPUT ? FORMATS : [],
  }
}
