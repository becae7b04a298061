/**
 * The questions that several views ask of the gateway, with their paths in one place.
 */
import type { Client } from './client.ts'
import type { EventRow, Operator, Shard, Store } from './shapes.ts'

const PAGE_SHARDS = 1000
/** A view of more shards than this shows the first ones. */
const SHARDS_MAX = 20_000

export async function allShards(client: Client): Promise<Shard[]> {
  const shards: Shard[] = []
  let cursor: string | null | undefined
  do {
    const more: string = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor ?? '')}`
    const page: { shards: Shard[]; next?: string | null } = await client.json(
      `admin/shards?limit=${PAGE_SHARDS}${more}`,
    )
    shards.push(...page.shards)
    cursor = page.next ?? undefined
  } while (cursor !== undefined && shards.length < SHARDS_MAX)
  return shards
}

export async function allStores(client: Client): Promise<readonly Store[]> {
  return (await client.json<{ stores: readonly Store[] }>('admin/stores')).stores
}

export async function allOperators(client: Client): Promise<readonly Operator[]> {
  return (await client.json<{ operators: readonly Operator[] }>('admin/operators')).operators
}

export async function lastEvents(
  client: Client,
  query: Readonly<Record<string, string>>,
): Promise<readonly EventRow[]> {
  const text = new URLSearchParams(query).toString()
  return (await client.json<{ events: readonly EventRow[] }>(`events?${text}`)).events
}
