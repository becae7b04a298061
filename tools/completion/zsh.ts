/** The completion script for zsh, with descriptions. Files are completed where a command has no words. */
import { allNodes, type CommandNode } from './command-tree.ts'
import { optionsWithValues, quoted, wordsBeforeValues } from './walk.ts'

export function zshScript(root: CommandNode): string {
  const cases = allNodes(root).map((node) => {
    const names = [
      ...node.children.map((child) => quoted(`${child.path.at(-1)}:${child.description}`)),
      ...node.values.map(quoted),
    ]
    const options = node.options.flatMap(({ words, description }) =>
      words.map((word) => quoted(`${word}:${description}`)),
    )
    const kinds = node.names.length === 0 ? '' : ` kinds=(${node.names.map((kind) => kind ?? "''").join(' ')})`
    return `    '${node.path.join(' ')}')${kinds} names=(${names.join(' ')}) options=(${options.join(' ')}) ;;`
  })
  const paths = allNodes(root)
    .slice(1)
    .map(({ path }) => `'${path.join(' ')}'`)
  const values = optionsWithValues(root).map(
    ({ words, values }) => `    ${words.join('|')}) compadd -- ${values.join(' ')}; return ;;`,
  )
  return `#compdef flotilla
# Completion of flotilla for zsh. Save it as _flotilla in a folder of $fpath, or load it after compinit with: source <(flotilla completion zsh)
_flotilla() {
  local where='' word next i given=1 kind
  local -a names options kinds at
  for ((i = 2; i < CURRENT; i++)); do
    word="\${words[i]}"
    case "$word" in
    -e | --endpoint) at=(-e "\${words[i+1]}"); ((i++)); continue ;;
    ${wordsBeforeValues(root).join('|')}) ((i++)); continue ;;
    -*) continue ;;
    esac
    next="\${where:+$where }$word"
    case "$next" in
    ${paths.join('|')}) where="$next" given=1 ;;
    *) ((given++)) ;;
    esac
  done
  case "\${words[CURRENT-1]}" in
${values.join('\n')}
    ${wordsBeforeValues(root).join('|')}) _files; return ;;
  esac
  case "$where" in
${cases.join('\n')}
  esac
  kind="\${kinds[given]}"
  if [[ "\${words[CURRENT]}" != -* && -n "$kind" ]]; then
    names=(\${(f)"$(flotilla completion names "$kind" --timeout 2s "\${at[@]}" -o raw 2>/dev/null)"})
    # A colon would begin a description.
    names=("\${names[@]//:/\\\\:}")
    (( \${#names} )) || return
  fi
  if [[ "\${words[CURRENT]}" == -* ]]; then _describe -o option options
  elif (( \${#names} )); then _describe command names
  else _files
  fi
}
if [[ "\${funcstack[1]}" == _flotilla ]]; then _flotilla "$@"; else compdef _flotilla flotilla; fi
`
}
