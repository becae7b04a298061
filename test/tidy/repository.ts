/**
 * The repository as the house rules see it: paths and texts, and of each source file what is code in it. Read from disk for the real check,
 * or made of literals to show that a rule can fail. It judges nothing.
 */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { blankText } from './blank-text.ts'

export interface SourceFile {
  /** From the root of the repository, with slashes. */
  readonly path: string
  readonly text: string
  /** The text with comments, strings and templates blanked, lines kept. */
  readonly code: string
  readonly imports: readonly Import[]
}

export interface Import {
  readonly specifier: string
  /** `import type`: nothing of it is left when the program runs. */
  readonly isType: boolean
}

export interface Repository {
  readonly sources: readonly SourceFile[]
  /** Every text file by its path, sources among them. */
  readonly texts: ReadonlyMap<string, string>
}

const SOURCE_ROOTS = ['src', 'shard-map', 'tools', 'bench', 'test']
const ROOT_TEXTS = /\.(md|json|ya?ml)$|^LICENSE$|^\.(gitignore|npmrc)$/
const TEXTS = /\.(ts|mjs|cjs|js|json|md|ya?ml|sh|conf|service)$|(^|\/)Containerfile$/
const SKIPPED_ROOTS = new Set(['node_modules', 'dist', 'data', '.git', '.artifacts'])

export function readRepository(root: string): Repository {
  const texts = new Map<string, string>()
  const add = (name: string): void => {
    texts.set(name, readFileSync(path.join(root, name), 'utf8'))
  }
  for (const entry of readdirSync(root, { withFileTypes: true })) {
    if (SKIPPED_ROOTS.has(entry.name)) continue
    if (entry.isFile() && ROOT_TEXTS.test(entry.name)) add(entry.name)
    if (!entry.isDirectory()) continue
    for (const inner of readdirSync(path.join(root, entry.name), { recursive: true, withFileTypes: true })) {
      const name = path.relative(root, path.join(inner.parentPath, inner.name)).replaceAll(path.sep, '/')
      if (inner.isFile() && (TEXTS.test(name) || name.startsWith('.ci/'))) add(name)
    }
  }
  return repositoryOf(Object.fromEntries(texts))
}

/** A repository made of literals. */
export function repositoryOf(texts: Readonly<Record<string, string>>): Repository {
  const sources = Object.entries(texts)
    .filter(([name]) => /\.(ts|mjs)$/.test(name) && SOURCE_ROOTS.includes(name.split('/')[0] ?? ''))
    .map(([name, text]) => sourceFile(name, text))
  return { sources, texts: new Map(Object.entries(texts)) }
}

function sourceFile(name: string, text: string): SourceFile {
  const { code, withStrings } = blankText(text)
  return { path: name, text, code, imports: importsOf(withStrings, code) }
}

/** Static imports and exports begin a line; the formatter sees to that. Others are `import('...')`, `require('...')` and `import '...'`. */
const STATIC = /^(?:import|export)\s+(?:(type)\s+(?!from\b))?[^'";]*?\bfrom\s+['"]([^'"]+)['"]/gm
const DYNAMIC = /\b(?:import|require)\(\s*['"]([^'"]+)['"]|^import\s+['"]([^'"]+)['"]/gm

function importsOf(withStrings: string, code: string): Import[] {
  // A match inside of a string is somebody's text about an import.
  const isCode = (match: RegExpExecArray): boolean => code[match.index] === withStrings[match.index]
  const fromStatic = [...withStrings.matchAll(STATIC)].filter(isCode)
  const fromDynamic = [...withStrings.matchAll(DYNAMIC)].filter(isCode)
  return [
    ...fromStatic.map(([, type, specifier = '']) => ({ specifier, isType: type !== undefined })),
    ...fromDynamic.map(([, inner, bare]) => ({ specifier: inner ?? bare ?? '', isType: false })),
  ]
}

/** The folder that the import table speaks of: `raft` for `src/raft/log.ts`, `src` for `src/index.ts`, else the root's own folders. */
export function folderOf(name: string): string {
  const [first = '', second = '', third] = name.split('/')
  return first !== 'src' ? first : third === undefined ? 'src' : second
}

/** The file that a relative specifier in `from` means. */
export function resolveImport(from: string, specifier: string): string {
  return path.posix.normalize(path.posix.join(path.posix.dirname(from), specifier))
}
