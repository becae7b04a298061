/**
 * The support bundle of a store: what somebody who was not there needs to find out what is wrong. Secrets are left out by what configuration knows of its
 * settings; keys and values of users by never asking for them: ranges of shards are told by their ids only. What cannot be told is told as the reason why.
 */
import { readdir, stat } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import v8 from 'node:v8'
import { gzip } from 'node:zlib'
import type { Shard } from '../../shard-map/index.ts'
import type { Clock } from '../base/index.ts'
import type { EventsPort, MetricsPage } from '../gateway/index.ts'
import { type Config, formatConfig, redactConfig } from './config/index.ts'
import type { Node } from './node.ts'
import { type TarFile, writeTar } from './tar.ts'
import { VERSION } from './version.ts'

export interface BundleSources {
  readonly node: Node
  readonly config: Config
  readonly metrics: MetricsPage
  readonly events: EventsPort
  readonly clock: Clock
}

const EVENTS_MAX = 2_000
const REPLICAS_MAX = 500
const FILES_MAX = 5_000
const ASK_MS = 3_000

/** Gzipped. Never rejects over what one part could not tell. */
export async function makeBundle(sources: BundleSources): Promise<Buffer> {
  const { clock, config } = sources
  const wallMs = clock.wallMs()
  const folder = `flotilla-${config.store.id.replace(/[^A-Za-z0-9._-]/g, '_').slice(0, 40)}`
  const files: TarFile[] = []
  for (const [name, make] of parts(sources)) {
    files.push({ name: `${folder}/${name}`, content: Buffer.from(await told(make)) })
  }
  return promisify(gzip)(writeTar(files, wallMs))
}

/** A part that cannot be made says why; the others are worth no less for it. */
async function told(make: () => Promise<string> | string): Promise<string> {
  try {
    return await make()
  } catch (error) {
    return `this could not be told: ${error instanceof Error ? error.message : String(error)}\n`
  }
}

type Part = readonly [name: string, make: () => Promise<string> | string]

function parts({ node, config, metrics, events, clock }: BundleSources): Part[] {
  const { admin } = node.router
  const ask = { timeoutMs: ASK_MS }
  return [
    ['README.txt', () => README],
    ['process.json', () => json(describeProcess(clock))],
    ['config.yaml', () => formatConfig(redactConfig(config))],
    ['ready.json', () => json({ reasons: node.notReady() })],
    ['metrics.txt', () => metrics.metrics()],
    ['store.json', async () => json(await admin.describeStore(node.id, ask))],
    [
      'map.json',
      async () => {
        const map = await admin.map(ask)
        return json({ ...map, placement: withoutKeys(map.placement), shards: map.shards.map(withoutKeys) })
      },
    ],
    ['replicas.ndjson', async () => lines(await describeReplicas(node))],
    ['events.ndjson', async () => lines(await events.query({}, EVENTS_MAX))],
    ['files.ndjson', async () => lines(await listFiles(config.store.dir))],
  ]
}

const README = `This is the support bundle of one store of a Flotilla cluster.

process.json     the process, its machine, its memory
config.yaml      the effective configuration, secrets replaced
ready.json       why the store is not ready, if it is not
metrics.txt      all metrics, as Prometheus reads them
store.json       the store as it describes itself
map.json         the shard map without key bounds
replicas.ndjson  the replicas of this store, from inside
events.ndjson    the last events, newest first
files.ndjson     the files of the data directory and their sizes

It holds no keys and no values. It names hosts, addresses, labels and the names of tokens: look at it before you hand it on.
`

function describeProcess(clock: Clock): unknown {
  return {
    version: VERSION,
    at: new Date(clock.wallMs()).toISOString(),
    node: process.version,
    versions: process.versions,
    platform: process.platform,
    arch: process.arch,
    kernel: os.release(),
    processors: os.cpus().map(({ model }) => model),
    loadAverage: os.loadavg(),
    memory: { total: os.totalmem(), free: os.freemem(), ...process.memoryUsage() },
    heap: v8.getHeapStatistics(),
    heapSpaces: v8.getHeapSpaceStatistics(),
    usage: process.resourceUsage(),
    uptimeSeconds: Math.floor(process.uptime()),
    pid: process.pid,
    resources: countOf(process.getActiveResourcesInfo()),
  }
}

function countOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

/** Where a shard begins and ends is a key of a user. */
function withoutKeys(shard: Shard | undefined): unknown {
  if (shard === undefined) return undefined
  const { start: _start, end: _end, ...others } = shard
  return others
}

async function describeReplicas(node: Node): Promise<unknown[]> {
  const groups = [...node.store.replicas.keys()].sort((left, right) => left - right).slice(0, REPLICAS_MAX)
  return Promise.all(
    groups.map(async (group) => {
      const replica = await node.router.admin.describeReplica(node.id, group, { timeoutMs: ASK_MS })
      return { ...(replica as object), shard: withoutKeys((replica as { readonly shard: Shard }).shard) }
    }),
  )
}

async function listFiles(directory: string): Promise<unknown[]> {
  const found: unknown[] = []
  const names = await readdir(directory, { recursive: true })
  for (const name of names.sort().slice(0, FILES_MAX)) {
    const facts = await stat(path.join(directory, name)).catch(() => undefined)
    // Gone since the listing.
    if (facts === undefined || !facts.isFile()) continue
    found.push({ name, bytes: facts.size, changed: facts.mtime.toISOString() })
  }
  return found
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`
}

function lines(values: readonly unknown[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join('')
}
