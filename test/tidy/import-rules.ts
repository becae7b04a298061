/**
 * Who may import whom, as data, and the rules that hold the sources to it. The layout of the program is this table: arrows point down, and
 * an arrow that is not here is a mistake. Text, documents and the package manifest have files of their own beside this one.
 */
import { folderOf, type Repository, resolveImport, type SourceFile } from './repository.ts'

interface Arrows {
  /** May be used when the program runs. */
  readonly uses: readonly string[]
  /** Only types of these: nothing of them is loaded. */
  readonly types?: readonly string[]
}

/**
 * Where the table differs from the first drawing of the layout:
 * - `protocol`, `router` and `client` know `machine`: the commands and results of the key-value machine are what travels, and a second
 *   vocabulary beside them would have to be translated per operation on the hot path. `machine` is pure and lies below all three.
 * - `router` does not open transports: it is handed one, so it needs only the type. The same holds for `placement` and `store`.
 * - `gateway` spells key bounds as `shard-map` does, so it uses its pure text functions; it knows nothing of `machine`, `transport` or `store`.
 * - `tools` speaks HTTP to a store and needs `server` only to start one, and `storage` to make its directory; `bench` is a client that also measures single parts (`bench/micro`).
 */
export const IMPORT_TABLE: Readonly<Record<string, Arrows>> = {
  'shard-map': { uses: [] },
  base: { uses: [] },
  raft: { uses: ['base'] },
  storage: { uses: ['base'], types: ['raft'] },
  machine: { uses: ['base', 'shard-map'], types: ['storage'] },
  protocol: { uses: ['base', 'shard-map', 'machine'], types: ['raft'] },
  transport: { uses: ['base'] },
  broker: { uses: ['base'] },
  store: { uses: ['base', 'shard-map', 'raft', 'machine', 'protocol', 'storage'], types: ['transport'] },
  placement: { uses: ['base', 'shard-map', 'machine', 'protocol', 'store'], types: ['transport'] },
  router: { uses: ['base', 'shard-map', 'machine', 'protocol'], types: ['transport'] },
  client: { uses: ['base', 'protocol'], types: ['shard-map', 'machine', 'router'] },
  gateway: { uses: ['base', 'shard-map', 'protocol'], types: ['router'] },
  observe: { uses: ['base'] },
  /** Runs in browsers, so it has nothing below it. */
  console: { uses: [] },
  server: {
    uses: [
      'base',
      'shard-map',
      'raft',
      'machine',
      'storage',
      'protocol',
      'transport',
      'broker',
      'store',
      'placement',
      'router',
      'client',
      'gateway',
      'observe',
    ],
  },
  /** The checkers need only the ground floor; the simulator beside them is one more composition root. */
  testing: {
    uses: ['base', 'shard-map', 'storage', 'protocol', 'transport', 'store', 'router', 'server'],
    types: ['raft', 'machine'],
  },
  /** `src/index.ts`, what applications import. */
  src: { uses: ['server', 'client', 'protocol', 'observe'], types: ['base'] },
  tools: { uses: ['base', 'shard-map', 'protocol', 'broker', 'storage', 'observe', 'server', 'testing'] },
  bench: { uses: ['src', 'base', 'storage', 'broker', 'transport', 'observe'], types: ['raft'] },
}

/** Each npm package has the folders that may know it, and a reason where there are several. */
export const PACKAGE_OWNERS: Readonly<Record<string, readonly string[]>> = {
  nats: ['transport', 'bench'], // bench: JetStream is one of the systems it compares with
  '@msgpack/msgpack': ['machine', 'transport', 'gateway'], // machine: documents, which protocol borrows; frames; request bodies in MessagePack
  'classic-level': ['storage'],
  'abstract-level': ['storage'],
  piscina: ['storage'],
  hono: ['gateway'],
  zod: ['server', 'gateway'], // the schema of the configuration; the schemas of the OpenAPI document
  yaml: ['server', 'tools'], // reading configuration; writing that of the demo's stores
  'prom-client': ['observe'],
  pino: ['observe'],
  '@opentelemetry/exporter-trace-otlp-http': ['observe'], // loaded when traces are wanted, as the two below
  '@opentelemetry/resources': ['observe'],
  '@opentelemetry/sdk-trace': ['observe'],
  commander: ['tools', 'bench'], // the two command lines
  'cli-table3': ['tools'],
}

const PURE_OF_NODE = ['shard-map', 'base', 'raft', 'machine', 'protocol', 'router', 'client', 'placement', 'store']

/** Everybody's proof may look inside what it proves, and measures as well as tests. */
function isProof(file: SourceFile): boolean {
  return folderOf(file.path) === 'test'
}

function isProgramImport(specifier: string): boolean {
  return !specifier.startsWith('.') && !specifier.startsWith('node:')
}

export function forbiddenArrows({ sources }: Repository): string[] {
  return sources.flatMap((file) => {
    if (isProof(file)) return []
    const from = folderOf(file.path)
    const arrows = IMPORT_TABLE[from]
    if (arrows === undefined) return [`${file.path}: the import table does not know the folder ${from}`]
    return file.imports.flatMap(({ specifier, isType }) => {
      if (!specifier.startsWith('.')) return []
      const to = folderOf(resolveImport(file.path, specifier))
      if (to === from || arrows.uses.includes(to) || (isType && arrows.types?.includes(to))) return []
      const instead = arrows.types?.includes(to) ? 'only types of' : 'not'
      return [`${file.path}: ${from} imports ${to} (${specifier}), but may use ${instead} it`]
    })
  })
}

export function pastTheIndex({ sources }: Repository): string[] {
  return sources.flatMap((file) =>
    file.imports.flatMap(({ specifier }) => {
      if (isProof(file) || !specifier.startsWith('.')) return []
      const target = resolveImport(file.path, specifier)
      if (folderOf(target) === folderOf(file.path) || target.endsWith('/index.ts')) return []
      return [`${file.path}: imports ${target}; other folders are imported through their index.ts`]
    }),
  )
}

export function missingTargets({ sources, texts }: Repository): string[] {
  return sources.flatMap((file) =>
    file.imports.flatMap(({ specifier }) => {
      if (!specifier.startsWith('.') || texts.has(resolveImport(file.path, specifier))) return []
      return [
        `${file.path}: imports ${specifier}, which does not exist; relative imports name the file with its ending`,
      ]
    }),
  )
}

export function foreignPackages({ sources }: Repository): string[] {
  return sources.flatMap((file) =>
    file.imports.flatMap(({ specifier }) => {
      if (isProof(file) || !isProgramImport(specifier)) return []
      const name = packageOf(specifier)
      if (PACKAGE_OWNERS[name]?.includes(folderOf(file.path))) return []
      return [`${file.path}: imports ${name}, which belongs to ${PACKAGE_OWNERS[name]?.join(', ') ?? 'nobody'}`]
    }),
  )
}

export function nodeInPureFolders({ sources }: Repository): string[] {
  return sources.flatMap((file) =>
    file.imports.flatMap(({ specifier }) =>
      PURE_OF_NODE.includes(folderOf(file.path)) && specifier.startsWith('node:')
        ? [`${file.path}: imports ${specifier}; this folder reaches the world through its arguments only`]
        : [],
    ),
  )
}

interface Manifest {
  /** What who needs it installs; its importer says so when it is missing. */
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

/** Packages declared and never imported, and the reverse. */
export function packageDeclarations({ sources, texts }: Repository): string[] {
  const manifest = JSON.parse(texts.get('package.json') ?? '{}') as Manifest
  const declared = new Set(Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }))
  const forDevelopment = new Set(Object.keys({ ...manifest.devDependencies, ...manifest.dependencies }))
  const imported = new Set<string>()
  const problems: string[] = []
  for (const file of sources) {
    for (const { specifier } of file.imports) {
      if (!isProgramImport(specifier) || specifier === SELF) continue
      const name = packageOf(specifier)
      imported.add(name)
      if (!(isProof(file) ? forDevelopment : declared).has(name))
        problems.push(`${file.path}: imports ${name}, which package.json does not declare`)
    }
  }
  // Peers may be peers of others, or loaded by a name that is no import.
  for (const name of Object.keys({ ...manifest.dependencies })) {
    if (!imported.has(name)) problems.push(`package.json: depends on ${name}, which nothing imports`)
  }
  return problems
}

const SELF = 'flotilla'

function packageOf(specifier: string): string {
  const parts = specifier.split('/')
  return parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/')
}
