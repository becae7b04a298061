/**
 * What the two shells call things. Each phrase stands for the words of a command; what is no phrase is a command of this program already, so everything works in both.
 */

export interface Phrase {
  /** What people type. */
  readonly words: readonly string[]
  /** What follows, for the help. */
  readonly rest: string
  readonly description: string
  readonly command: readonly string[]
  /** Where the rest goes: a file that takes the output, or the value of an option; otherwise behind the command. */
  readonly restIs?: { readonly kind: 'file' } | { readonly kind: 'value'; readonly option: string }
}

export interface Dialect {
  readonly prompt: string
  readonly title: string
  readonly phrases: readonly Phrase[]
}

export interface Meaning {
  readonly words: readonly string[]
  /** Takes the output. */
  readonly file: string | undefined
}

function phrase(
  words: string,
  rest: string,
  description: string,
  command: readonly string[],
  restIs?: Phrase['restIs'],
): Phrase {
  return { words: words.split(' '), rest, description, command, ...(restIs === undefined ? {} : { restIs }) }
}

/** Of the shell on one store. */
export function storeDialect(store: string): Dialect {
  return {
    prompt: `${store}> `,
    title: `store ${store}`,
    phrases: [
      phrase('set', 'KEY VALUE', 'store a value', ['put']),
      phrase('get', 'KEY', 'print a value', ['get']),
      phrase('delete', 'KEY', 'delete a key', ['del']),
      phrase('all', '[PREFIX]', 'list keys and values', ['scan']),
      phrase('status', '', 'this store', ['store', 'show', store]),
      phrase('log', '[SHARD]', 'the Raft logs of this store', ['debug', 'log', '--store', store]),
    ],
  }
}

/** Of the shell on the cluster. */
export const CLUSTER_DIALECT: Dialect = {
  prompt: 'cluster> ',
  title: 'the cluster',
  phrases: [
    phrase('cluster status', '', 'the cluster at a glance', ['status']),
    phrase('nodes list', '', 'all stores', ['store', 'ls']),
    phrase('node status', 'ID', 'one store', ['store', 'show']),
    phrase('node register', 'ID HOST:PORT', 'announce a store that will join', ['store', 'register']),
    phrase('node unregister', 'ID', 'forget a store that is registered only, or gone', ['store', 'forget']),
    phrase('events list', '', 'what happened', ['events']),
    phrase('events filter', 'TYPES', 'what happened of these types', ['events'], { kind: 'value', option: '--type' }),
    phrase('events stats', '', 'how often what happened', ['events', '--stats']),
    phrase('events export', '[FILE]', 'what happened, as CSV', ['events', '--limit', '1000', '-o', 'csv'], {
      kind: 'file',
    }),
    phrase('health check', '', 'whether every store answers and is ready', ['ping']),
    phrase('replication status', '[SHARD]', 'how far each replica is', ['debug', 'log']),
    phrase('latency stats', '', 'how long reads take', ['latency']),
    phrase('log', '', 'the last events', ['events', '--limit', '20']),
  ],
}

/** What a line means, as words of the program. */
export function translate({ phrases }: Dialect, words: readonly string[]): Meaning {
  const found = phrases.find((candidate) => candidate.words.every((word, position) => words[position] === word))
  if (found === undefined) return { words, file: undefined }
  const rest = words.slice(found.words.length)
  const [first, ...others] = rest
  if (found.restIs === undefined || first === undefined || first.startsWith('-'))
    return { words: [...found.command, ...rest], file: undefined }
  switch (found.restIs.kind) {
    case 'file':
      return { words: [...found.command, ...others], file: first }
    case 'value':
      return { words: [...found.command, found.restIs.option, first, ...others], file: undefined }
  }
}

/** Whether the line begins with a phrase, or with one of `commands`. */
export function isKnown({ phrases }: Dialect, words: readonly string[], commands: readonly string[]): boolean {
  const [first = ''] = words
  if (first.startsWith('-') || commands.includes(first)) return true
  return phrases.some((candidate) => candidate.words.every((word, position) => words[position] === word))
}

/** What somebody may have meant who typed `words`: the text to compare, and with what. */
export function mistaken(
  { phrases }: Dialect,
  words: readonly string[],
  commands: readonly string[],
): { readonly typed: string; readonly candidates: readonly string[] } {
  const [first = '', second] = words
  const family = phrases.filter((candidate) => candidate.words.length > 1 && candidate.words[0] === first)
  if (family.length > 0 && second !== undefined)
    return { typed: `${first} ${second}`, candidates: family.map((each) => each.words.join(' ')) }
  if (family.length > 0) return { typed: first, candidates: [] }
  const beginnings = phrases.map((each) => each.words[0] ?? '')
  return { typed: first, candidates: [...new Set([...beginnings, ...commands])] }
}
