/** The completion script for bash. It only knows words; files are left to bash, wherever no word fits. */
import { allNodes, type CommandNode } from './command-tree.ts'
import { optionsWithValues, wordsBeforeValues } from './walk.ts'

export function bashScript(root: CommandNode): string {
  const cases = allNodes(root).map(
    (node) =>
      `    '${node.path.join(' ')}')${kinds(node)} words='${[...node.children.map(({ path }) => path.at(-1)), ...node.values].join(' ')}' options='${node.options.flatMap(({ words }) => words).join(' ')}' ;;`,
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
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" path='' word next words='' options='' i given=0
  local -a kinds=() at=()
  COMPREPLY=()
  # Bash takes the address of a gateway for several words.
  [[ "$COMP_LINE" =~ [[:space:]](-e|--endpoint)[[:space:]=]+([^[:space:]]+) ]] && at=(-e "\${BASH_REMATCH[2]}")
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    case "$word" in
    ${wordsBeforeValues(root).join('|')}) ((i++)); continue ;;
    -*) continue ;;
    : | =) ((i++)); continue ;;
    esac
    next="\${path:+$path }$word"
    case "$next" in
    ${paths.join('|')}) path="$next" given=0 ;;
    *) given=$((given + 1)) ;;
    esac
  done
  case "$previous" in
${values.join('\n')}
    ${wordsBeforeValues(root).join('|')}) return ;;
  esac
  case "$path" in
${cases.join('\n')}
  esac
  if [[ "$current" != -* && -n "\${kinds[given]}" ]]; then
    words="$(flotilla completion names "\${kinds[given]}" --timeout 2s "\${at[@]}" -o raw 2>/dev/null)"
  fi
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$options" -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
  esac
}
complete -o default -F _flotilla flotilla
`
}

/** An argument that is no name keeps its place, as an empty word. */
function kinds({ names }: CommandNode): string {
  return names.length === 0 ? '' : ` kinds=(${names.map((kind) => kind ?? "''").join(' ')})`
}
