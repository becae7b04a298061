/**
 * Rules about what the repository says of itself: the package manifest names files that exist, ARCHITECTURE.md names every folder, README.md
 * every command and every setting. A document that is checked cannot fall behind without somebody noticing.
 */
import path from 'node:path'
import type { Repository } from './repository.ts'

/** Where the compiled file of the manifest comes from. */
export function manifestTargets({ texts }: Repository): string[] {
  const manifest = JSON.parse(texts.get('package.json') ?? '{}') as {
    exports?: unknown
    bin?: unknown
    scripts?: object
  }
  const named = [...stringsIn(manifest.exports), ...stringsIn(manifest.bin)]
  const scripts = Object.values(manifest.scripts ?? {}).join(' ')
  for (const [target] of scripts.matchAll(/[\w./-]+\.(?:js|mjs|ts|json)\b/g)) named.push(target)
  return named.flatMap((target) => {
    const source = target
      .replace(/^\.\//, '')
      .replace(/^dist\//, '')
      .replace(/\.d\.ts$/, '.ts')
    const candidates = [source, source.replace(/\.js$/, '.ts')]
    return candidates.some((name) => texts.has(name)) ? [] : [`package.json: names ${target}, which does not exist`]
  })
}

function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : []
}

/** Folders that hold sources, down to the second level below `src`. */
export function unnamedFolders({ sources, texts }: Repository): string[] {
  const document = texts.get('ARCHITECTURE.md') ?? ''
  const folders = new Set<string>()
  for (const { path } of sources) {
    const parts = path.split('/').slice(0, -1)
    for (let depth = 1; depth <= parts.length; depth++) folders.add(parts.slice(0, depth).join('/'))
  }
  return [...folders].flatMap((folder) =>
    document.includes(`\`${folder}/\``) ? [] : [`ARCHITECTURE.md: does not name \`${folder}/\``],
  )
}

/** Files that a document points to. */
export function brokenLinks({ texts }: Repository): string[] {
  return [...texts].flatMap(([name, text]) => {
    if (!name.endsWith('.md')) return []
    // Links are relative to their document, mentions to the repository.
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)].map((match) =>
      path.posix.join(path.posix.dirname(name), match[1] ?? ''),
    )
    const mentioned = [...text.matchAll(/`((?:src|shard-map|tools|bench|test)\/[\w./-]+\.(?:ts|mjs))`/g)].map(
      (match) => match[1] ?? '',
    )
    return [...links, ...mentioned].flatMap((target) =>
      texts.has(target) ? [] : [`${name}: points to ${target}, which does not exist`],
    )
  })
}

export interface Vocabulary {
  readonly npmCommands: readonly string[]
  readonly commands: readonly string[]
  readonly settings: readonly string[]
}

export function unnamedInReadme({ texts }: Repository, vocabulary: Vocabulary): string[] {
  const document = texts.get('README.md') ?? ''
  const missing = (what: string, pattern: string): string[] =>
    document.includes(pattern) ? [] : [`README.md: does not name ${what}`]
  return [
    ...vocabulary.npmCommands.flatMap((command) => missing(`the command ${command}`, command)),
    // Subcommands stand behind the command they belong to, often several in one line.
    ...vocabulary.commands.flatMap((command) =>
      new RegExp(`\\bflotilla [^\\n]*\\b${command}\\b`).test(document)
        ? []
        : [`README.md: does not name the command ${command}`],
    ),
    ...vocabulary.settings.flatMap((setting) => missing(`the setting ${setting}`, `\`${setting}\``)),
  ]
}

/** Commands that the command line registers: the first words of `.command('...')` and `new Command('...')`. */
export function registeredCommands({ sources }: Repository): string[] {
  return sources
    .filter((file) => file.path.startsWith('tools/'))
    .flatMap((file) =>
      [...file.text.matchAll(/(?:\.command|new Command)\(\s*'([a-z][a-z-]*)/g)].map((match) => match[1] ?? ''),
    )
    .filter((name) => name !== 'flotilla')
}
