/** The completion script for bash. It only knows words; files are left to bash, wherever no word fits. */
import { allNodes, type CommandNode } from './command-tree.ts'
import { optionsWithValues, wordsBeforeValues } from './walk.ts'

export function bashScript(root: CommandNode): string {
  const cases = allNodes(root).map(
    (node) =>
      `    '${node.path.join(' ')}') words='${[...node.children.map(({ path }) => path.at(-1)), ...node.values].join(' ')}' options='${node.options.flatMap(({ words }) => words).join(' ')}' ;;`,
  )
  const paths = allNodes(root)
    .slice(1)
    .map(({ path }) => `'${path.join(' ')}'`)
  const values = optionsWithValues(root).map(
    ({ words, values }) =>
      `    ${words.join('|')}) COMPREPLY=($(compgen -W '${values.join(' ')}' -- "$current")); return ;;`,
  )
  return `# Completion of flotilla for bash. Load it with: source <(flotilla completion bash)
_flotilla() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" path='' word next words='' options='' i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    case "$word" in
    ${wordsBeforeValues(root).join('|')}) ((i++)); continue ;;
    -*) continue ;;
    esac
    next="\${path:+$path }$word"
    case "$next" in
    ${paths.join('|')}) path="$next" ;;
    esac
  done
  case "$previous" in
${values.join('\n')}
    ${wordsBeforeValues(root).join('|')}) return ;;
  esac
  case "$path" in
${cases.join('\n')}
  esac
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$options" -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
  esac
}
complete -o default -F _flotilla flotilla
`
}
