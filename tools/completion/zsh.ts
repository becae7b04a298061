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
    return `    '${node.path.join(' ')}') names=(${names.join(' ')}) options=(${options.join(' ')}) ;;`
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
  local where='' word next i
  local -a names options
  for ((i = 2; i < CURRENT; i++)); do
    word="\${words[i]}"
    case "$word" in
    ${wordsBeforeValues(root).join('|')}) ((i++)); continue ;;
    -*) continue ;;
    esac
    next="\${where:+$where }$word"
    case "$next" in
    ${paths.join('|')}) where="$next" ;;
    esac
  done
  case "\${words[CURRENT-1]}" in
${values.join('\n')}
    ${wordsBeforeValues(root).join('|')}) _files; return ;;
  esac
  case "$where" in
${cases.join('\n')}
  esac
  if [[ "\${words[CURRENT]}" == -* ]]; then _describe -o option options
  elif (( \${#names} )); then _describe command names
  else _files
  fi
}
if [[ "\${funcstack[1]}" == _flotilla ]]; then _flotilla "$@"; else compdef _flotilla flotilla; fi
`
}
