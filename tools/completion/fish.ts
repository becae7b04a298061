/** The completion script for fish, with descriptions. Files are completed where a command has no words. */
import { allNodes, type CommandNode } from './command-tree.ts'
import { branches, quoted, wordsBeforeValues } from './walk.ts'

export function fishScript(root: CommandNode): string {
  const paths = allNodes(root)
    .slice(1)
    .map(({ path }) => `'${path.join(' ')}'`)
  const lines = [
    '# Completion of flotilla for fish. Load it with: flotilla completion fish | source',
    'function __flotilla_at',
    "  set -l where ''",
    '  set -l given 0',
    '  set -l skips no',
    '  for word in (commandline -opc)[2..-1]',
    '    if test $skips = yes; set skips no; continue; end',
    `    if contains -- $word ${wordsBeforeValues(root).join(' ')}; set skips yes; continue; end`,
    "    if string match -q -- '-*' $word; continue; end",
    '    set -l next (string trim "$where $word")',
    `    if contains -- $next ${paths.join(' ')}; set where $next; set given 0; else; set given (math $given + 1); end`,
    '  end',
    '  test "$where" = "$argv[1]"; and test (count $argv) = 1 -o "$given" = "$argv[2]"',
    'end',
    'function __flotilla_names',
    '  set -l at',
    '  set -l words (commandline -opc)',
    '  for i in (seq 2 (count $words))',
    '    if contains -- $words[$i] -e --endpoint; and set -q words[(math $i + 1)]; set at -e $words[(math $i + 1)]; end',
    '  end',
    '  flotilla completion names $argv[1] --timeout 2s $at -o raw 2>/dev/null',
    'end',
    ...branches(root).flatMap((branch) => branch.children.map((child) => commandLine(branch, child))),
    ...branches(root).map((branch) => `complete -c flotilla -n ${at(branch)} -f`),
    ...allNodes(root).flatMap((node) => [...valueLines(node), ...nameLines(node), ...optionLines(node)]),
  ]
  return `${lines.join('\n')}\n`
}

function at({ path }: CommandNode): string {
  return `"__flotilla_at '${path.join(' ')}'"`
}

function commandLine(branch: CommandNode, child: CommandNode): string {
  return `complete -c flotilla -n ${at(branch)} -f -a ${child.path.at(-1)} -d ${quoted(child.description)}`
}

function valueLines(node: CommandNode): readonly string[] {
  return node.values.length === 0 ? [] : [`complete -c flotilla -n ${at(node)} -f -a ${quoted(node.values.join(' '))}`]
}

function nameLines({ path, names }: CommandNode): readonly string[] {
  return names.flatMap((kind, position) =>
    kind === undefined
      ? []
      : [`complete -c flotilla -n "__flotilla_at '${path.join(' ')}' ${position}" -f -a "(__flotilla_names ${kind})"`],
  )
}

function optionLines(node: CommandNode): readonly string[] {
  return node.options.map(({ words, description, takesValue, values }) => {
    const names = words.map((word) => (word.startsWith('--') ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`)).join(' ')
    const value = takesValue ? ` -r${values.length === 0 ? '' : ` -f -a ${quoted(values.join(' '))}`}` : ''
    return `complete -c flotilla -n ${at(node)} ${names}${value} -d ${quoted(description)}`
  })
}
