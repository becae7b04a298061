/** Between the flags of `flotilla init` and settings: the texts that the schema reads, the flag that a complaint is about, and the flags for the next store. */
import type { Config } from '../../src/server/config/index.ts'
import { UsageError } from '../cli/index.ts'

/** As commander delivers them. */
export interface InitFlags {
  readonly config?: string
  readonly force?: true
  readonly dryRun?: true
  readonly id: string
  readonly dir?: string
  readonly label: readonly string[]
  readonly cluster?: string
  readonly bootstrap?: string
  readonly replicas?: string
  readonly shards?: string
  readonly nats?: string
  readonly embedded?: string
  readonly listen?: string
  readonly tokenHash?: string
  readonly allowAnonymous?: true
  readonly set: readonly string[]
}

const FLAGS: Readonly<Record<string, string>> = {
  'store.id': '--id',
  'store.dir': '--dir',
  'store.labels': '--label',
  'cluster.id': '--cluster',
  'cluster.bootstrap.stores': '--bootstrap',
  'cluster.bootstrap.replicas': '--replicas',
  'cluster.bootstrap.shards': '--shards',
  'transport.servers': '--nats',
  'transport.embedded': '--embedded',
  'gateway.listen': '--listen',
  'gateway.tokens': '--token-hash',
  'gateway.allowAnonymous': '--allow-anonymous',
}

/** By dotted name, as `--set` takes them. What `--set` says itself wins. */
export function textsOf(flags: InitFlags): Readonly<Record<string, string>> {
  const { tokenHash } = flags
  const id = flags.id
  const said: Readonly<Record<string, string | undefined>> = {
    'store.id': id,
    'store.dir': flags.dir,
    'store.labels':
      flags.label.length === 0 ? undefined : JSON.stringify(Object.fromEntries(flags.label.map(pairOf('--label')))),
    'cluster.id': flags.cluster,
    'cluster.bootstrap.stores': flags.bootstrap ?? id,
    'cluster.bootstrap.replicas': flags.replicas,
    'cluster.bootstrap.shards': flags.shards,
    'transport.servers': flags.nats,
    'transport.embedded': flags.embedded,
    'gateway.listen': flags.listen,
    'gateway.tokens':
      tokenHash === undefined ? undefined : JSON.stringify([{ name: 'admin', role: 'admin', hash: tokenHash }]),
    'gateway.allowAnonymous': flags.allowAnonymous === true ? 'true' : undefined,
  }
  const texts = Object.entries(said).flatMap(([name, text]): [string, string][] =>
    text === undefined ? [] : [[name, text]],
  )
  return Object.fromEntries([...texts, ...flags.set.map(pairOf('--set'))])
}

function pairOf(flag: string): (word: string) => [string, string] {
  return (word) => {
    const equals = word.indexOf('=')
    if (equals > 0) return [word.slice(0, equals), word.slice(equals + 1)]
    throw new UsageError(`${flag} ${JSON.stringify(word)} is not ${flag === '--set' ? 'key=value' : 'name=value'}`)
  }
}

/** A complaint about `--set store.id` becomes one about `--id`, which is what was typed. */
export function withFlagNames(sentence: string): string {
  return sentence.replace(/^--set ([A-Za-z.]+):/, (whole, name: string) => {
    const flag = FLAGS[name]
    return flag === undefined ? whole : `${flag}:`
  })
}

/** The words after `init` for each other founder that this file names. */
export function otherStores({ cluster, store, gateway }: Config, file: string, flags: InitFlags): readonly string[] {
  const { stores } = cluster.bootstrap
  const place = stores.indexOf(store.id)
  if (place < 0) return []
  const { host, port, text } = gateway.listen
  const isHere = host === 'localhost' || host === '::1' || host.startsWith('127.')
  const shared: readonly (readonly [string, string | undefined])[] = [
    ['--cluster', flags.cluster],
    ['--bootstrap', flags.bootstrap ?? stores.join(',')],
    ['--replicas', flags.replicas],
    ['--shards', flags.shards],
    // Credentials are not shown again.
    ['--nats', flags.nats?.includes('@') === true ? 'NATS_SERVERS' : flags.nats],
    ['--embedded', flags.embedded],
  ]
  const folder = /^(.*[/\\])?/.exec(file)?.[0] ?? ''
  return stores.flatMap((id, other) => {
    if (other === place) return []
    // On one machine each needs a port and a file of its own; elsewhere only that machine knows its address.
    const listen = isHere ? text.replace(/[0-9]+$/, String(port + (port === 0 ? 0 : other - place))) : 'HOST:PORT'
    const options = [['--id', id], ...shared, ['--listen', listen]].flatMap(([name, value]) =>
      name === undefined || value === undefined ? [] : [name, shellWord(value)],
    )
    return [[...(isHere ? [shellWord(`${folder}${id}.yaml`)] : [shellWord(file)]), ...options].join(' ')]
  })
}

/** As a shell reads it back. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_./:,=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
