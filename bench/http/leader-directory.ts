/**
 * Which endpoint leads a key, as the database itself tells over HTTP, so that a load can go straight to leaders as a client with a map
 * does. One adapter per database. Asked for every operation, so `endpointOf` only looks things up; `refresh` asks the servers.
 */
import { OperatingError } from '../operating-error.ts'
import type { HttpEndpoint } from './http-lane.ts'

export interface LeaderDirectory {
  /** Asks the servers. Rejects when none of them knows. */
  refresh(): Promise<void>
  /** Index of the endpoint that led `key` at the last refresh; 0 where that is not known. */
  endpointOf(key: string): number
}

const TIMEOUT_MS = 2000

interface Range {
  /** One character per byte, so that it compares with the ASCII keys of a load as bytes would. */
  readonly start: string
  readonly endpoint: number
}

/** Flotilla: `GET /admin/stores` has the addresses, `GET /admin/shards` the ranges and who leads them. */
export class FlotillaLeaders implements LeaderDirectory {
  readonly #endpoints: readonly HttpEndpoint[]
  readonly #headers: Readonly<Record<string, string>>
  #ranges: readonly Range[] = []

  constructor(endpoints: readonly HttpEndpoint[], headers: Readonly<Record<string, string>> = {}) {
    this.#endpoints = endpoints
    this.#headers = headers
  }

  async refresh(): Promise<void> {
    await firstAnswer(this.#endpoints, async (endpoint) => {
      const { stores } = (await this.#ask(endpoint, '/admin/stores')) as StoresAnswer
      const ranges: Range[] = []
      for (let path: string | undefined = '/admin/shards?limit=1000'; path !== undefined; ) {
        const page = (await this.#ask(endpoint, path)) as ShardsAnswer
        for (const shard of page.shards) {
          if (shard.start === undefined) continue
          const address = stores.find(({ id }) => id === shard.leader)?.address
          ranges.push({ start: bytesAsText(shard.start), endpoint: Math.max(0, this.#indexOf(address)) })
        }
        const next: string | undefined = page.next ?? undefined
        path = next === undefined ? undefined : `/admin/shards?limit=1000&cursor=${encodeURIComponent(next)}`
      }
      this.#ranges = ranges.sort((left, right) => (left.start < right.start ? -1 : 1))
    })
  }

  endpointOf(key: string): number {
    const ranges = this.#ranges
    let low = 0
    let high = ranges.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((ranges[middle] as Range).start <= key) low = middle + 1
      else high = middle
    }
    return ranges[low - 1]?.endpoint ?? 0
  }

  #indexOf(address: string | undefined): number {
    return this.#endpoints.findIndex((endpoint) => address === `${endpoint.host}:${endpoint.port}`)
  }

  async #ask(endpoint: HttpEndpoint, path: string): Promise<unknown> {
    const answer = await fetch(`http://${endpoint.host}:${endpoint.port}${path}`, {
      headers: this.#headers,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    if (!answer.ok) throw new OperatingError(`GET ${path} answered ${answer.status}`)
    return answer.json()
  }
}

interface StoresAnswer {
  readonly stores: readonly { readonly id: string; readonly address: string }[]
}

interface ShardsAnswer {
  readonly shards: readonly { readonly start?: string; readonly leader: string | null }[]
  readonly next?: string | null
}

/** etcd has one leader for all keys; each member tells its own id and the leader's. */
export class EtcdLeader implements LeaderDirectory {
  readonly #endpoints: readonly HttpEndpoint[]
  #leader = 0

  constructor(endpoints: readonly HttpEndpoint[]) {
    this.#endpoints = endpoints
  }

  async refresh(): Promise<void> {
    const statuses = await Promise.all(this.#endpoints.map((endpoint) => memberStatus(endpoint)))
    const leader = statuses.findIndex((status) => status !== undefined && status.member === status.leader)
    if (leader === -1) throw new OperatingError('no member of etcd says that it leads')
    this.#leader = leader
  }

  endpointOf(): number {
    return this.#leader
  }
}

async function memberStatus(endpoint: HttpEndpoint): Promise<{ member: string; leader: string } | undefined> {
  try {
    const answer = await fetch(`http://${endpoint.host}:${endpoint.port}/v3/maintenance/status`, {
      method: 'POST',
      body: '{}',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const { header, leader } = (await answer.json()) as { header: { member_id: string }; leader: string }
    return { member: header.member_id, leader }
  } catch {
    // A member that does not answer does not lead.
    return undefined
  }
}

/** Bounds come percent-encoded and need not be UTF-8. */
function bytesAsText(bound: string): string {
  return bound.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

async function firstAnswer(
  endpoints: readonly HttpEndpoint[],
  ask: (endpoint: HttpEndpoint) => Promise<void>,
): Promise<void> {
  let last: unknown
  for (const endpoint of endpoints) {
    try {
      await ask(endpoint)
      return
    } catch (error) {
      // The next member may know.
      last = error
    }
  }
  throw last
}
