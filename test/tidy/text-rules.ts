/**
 * Rules about words: what pure code never says, what nobody says, how a file begins and how long it may be. They look at single source
 * files and know nothing of what imports what.
 */
import { folderOf, type Repository, type SourceFile } from './repository.ts'

interface WordRule {
  readonly word: RegExp
  readonly why: string
  /** Path prefixes that the rule speaks of. */
  readonly within: readonly string[]
  /** Path prefixes that may, each with its reason. */
  readonly except?: Readonly<Record<string, string>>
}

const PURE = ['shard-map/', 'src/raft/', 'src/machine/', 'src/testing/check/']
const LIBRARY = ['src/', 'shard-map/']
const ALL = ['src/', 'shard-map/', 'tools/', 'bench/', 'test/']

/** About code: comments and strings are not looked at. */
const CODE_RULES: readonly WordRule[] = [
  { word: /\b(?:async|await|Promise)\b/, why: 'the core is synchronous', within: PURE },
  { word: /\b(?:process|console|globalThis|fetch|require)\b/, why: 'the core touches nothing outside', within: PURE },
  { word: /\b(?:performance|queueMicrotask|setTimeout|setInterval|setImmediate)\b/, why: 'no time', within: PURE },
  { word: /\bDate\b|\bMath\.random\b|\bcrypto\b/, why: 'the core repeats itself exactly', within: PURE },
  {
    word: /\bDate\.now\b|\bnew Date\(\)|\bperformance\./,
    why: 'time comes in through Clock',
    within: LIBRARY,
    except: {
      'src/server/': 'composition roots make the real clock',
      'src/broker/system-clock.ts': 'a broker started on its own is its own composition root',
      'src/storage/lock-holder.ts': 'tells a person when this process began; decides nothing',
      'src/observe/logger.ts': 'the time of day in front of a line for people',
      'src/console/browser-world.ts': 'makes the clock of the page',
    },
  },
  {
    // A socket's own time-out is another thing.
    word: /(?<!socket\.)\bset(?:Timeout|Interval|Immediate)\b/,
    why: 'timers come in through Clock',
    within: LIBRARY,
    except: {
      'src/server/': 'composition roots make the real clock',
      'src/testing/turns.ts': 'drives virtual time by the turns of the real loop',
      'src/broker/system-clock.ts': 'a broker started on its own is its own composition root',
      'src/console/browser-world.ts': 'makes the timers of the page',
    },
  },
  {
    word: /\bMath\.random\b|\brandom(?:Bytes|Int|UUID)\b/,
    why: 'chance comes in through Random',
    within: LIBRARY,
    except: { 'src/server/system.ts': 'makes the real Random' },
  },
  { word: /\bconsole\b/, why: 'a library does not print; it has a Logger', within: LIBRARY },
  { word: /\bexport default\b/, why: 'exports have names', within: ALL },
  { word: /\bexport \*/, why: 'an index is a list of names', within: ALL },
  { word: /^\s*(?:export\s+)?(?:const\s+|declare\s+)?enum\s/m, why: 'a closed union says the same', within: ALL },
  { word: /^\s*(?:export\s+)?namespace\s/m, why: 'a file is the namespace', within: ALL },
  {
    word: /[:<|,(]\s*any\s*[>;,)=|\]]|\bas any\b|:\s*any$/m,
    why: '`any` switches checking off',
    within: ALL,
    except: { 'test/gateway/harness.ts': 'tests look into documents of every shape' },
  },
  { word: /\b(?:it|test|describe|suite)\.only\b|\bonly:\s*true/, why: 'the other tests would not run', within: ALL },
  { word: /\b(?:it|test|describe|suite)\.todo\b/, why: 'a test exists or does not', within: ALL },
  { word: /\b(?:it|test|describe|suite)\.skip\b|\bskip:\s*true\b/, why: 'a skipped test says why', within: ALL },
  { word: /\bdebugger\b/, why: 'a leftover', within: ALL },
  { word: /^\s*(?:private|protected|public)\s+(?!constructor)\w/m, why: 'private members begin with #', within: ALL },
]

/** About everything that is written, comments and documents too. */
const TEXT_RULES: readonly { readonly word: RegExp; readonly why: string }[] = [
  { word: /\b(?:TODO|FIXME|XXX|HACK)\b/, why: 'work that is not done is not in the code' },
  { word: /(?:\/home\/|\/root\/|\/Users\/|\/work\/|\b[A-Z]:\\\\)/, why: 'a path of somebody’s machine' },
  { word: /@ts-(?:ignore|nocheck)/, why: 'the checker is right, or the reason is written down (@ts-expect-error)' },
]

/** The rules themselves, whose business is to name these words, and what is not ours. */
const ABOUT_WORDS = ['test/tidy', 'package-lock.json', 'LICENSE']

export function forbiddenWords({ sources }: Repository): string[] {
  return sources.flatMap((file) =>
    CODE_RULES.flatMap((rule) => {
      if (!startsWithAny(file.path, rule.within) || startsWithAny(file.path, Object.keys(rule.except ?? {}))) return []
      const found = rule.word.exec(file.code)
      return found === null ? [] : [problemAt(file.path, file.code, found, rule.why)]
    }),
  )
}

/** An exception that nothing needs any more would let the next mistake through. */
export function staleExceptions({ sources }: Repository): string[] {
  return CODE_RULES.flatMap((rule) =>
    Object.keys(rule.except ?? {}).flatMap((prefix) =>
      sources.some((file) => file.path.startsWith(prefix) && rule.word.test(file.code))
        ? []
        : [`test/tidy/text-rules.ts: nothing under ${prefix} needs its exception from ${rule.word}`],
    ),
  )
}

export function forbiddenTexts({ texts }: Repository): string[] {
  return [...texts].flatMap(([name, text]) =>
    TEXT_RULES.flatMap((rule) => {
      const found = startsWithAny(name, ABOUT_WORDS) ? null : rule.word.exec(text)
      return found === null ? [] : [problemAt(name, text, found, rule.why)]
    }),
  )
}

const OPENING_LETTERS_MIN = 18

/** The paragraph stands first, or right after the imports. */
export function missingOpenings({ sources }: Repository): string[] {
  return sources.flatMap((file) => {
    const rest = withoutImports(file.text)
    const paragraph = /^\/\*\*([\s\S]*?)\*\//.exec(rest)?.[1] ?? ''
    if (paragraph.replaceAll(/[^a-z]/gi, '').length >= OPENING_LETTERS_MIN) return []
    return [`${file.path}: does not open with a paragraph that says what it is`]
  })
}

function withoutImports(text: string): string {
  let rest = text.replace(/^#!.*\n/, '')
  for (;;) {
    const cut = rest.replace(/^(?:\s+|import\b[^'"]*['"][^'"]+['"];?[ \t]*\n)/, '')
    if (cut === rest) return rest
    rest = cut
  }
}

export const LINES_MAX = 400

export function longFiles({ sources }: Repository): string[] {
  return sources.flatMap((file) => {
    const lines = file.text.split('\n').length - 1
    return lines <= LINES_MAX ? [] : [`${file.path}: has ${lines} lines, ${LINES_MAX} are the limit`]
  })
}

/** A file without a name in kebab-case. */
export function fileNames({ texts }: Repository): string[] {
  return [...texts.keys()].flatMap((name) => {
    const base = name.slice(name.lastIndexOf('/') + 1)
    if (!name.endsWith('.ts') || /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.test)?\.ts$/.test(base)) return []
    return [`${name}: file names are kebab-case`]
  })
}

/** A test file that nothing would ever start. */
export function unreachableTests({ sources }: Repository): string[] {
  return sources.flatMap((file) => {
    if (folderOf(file.path) !== 'test' || file.path.endsWith('.test.ts')) return []
    const used = sources.some((other) => other !== file && mentions(other, file))
    return used ? [] : [`${file.path}: neither a test nor used by one`]
  })
}

/** By an import, or by its name where it is started as a process. */
function mentions(user: SourceFile, file: SourceFile): boolean {
  const name = file.path.slice(file.path.lastIndexOf('/') + 1)
  return [`/${name}'`, `'${name}'`].some((text) => user.text.includes(text))
}

function startsWithAny(name: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => name.startsWith(prefix))
}

function problemAt(name: string, text: string, found: RegExpExecArray, why: string): string {
  const line = text.slice(0, found.index + found[0].length).split('\n').length
  return `${name}:${line}: ${found[0].trim()}: ${why}`
}
