/** The placement driver as people use it, for tests. */
import assert from 'node:assert/strict'
import type { HandRequest } from '../../shard-map/index.ts'
import type { OperateRequest } from '../../src/protocol/index.ts'
import { poll } from '../../tools/cluster/poll.ts'
import { type TestCluster, WAIT_MS } from '../store/cluster.ts'

const TIMEOUT_MS = 8_000

/** What the tests look at of an operator. */
export interface OperatorShown {
  readonly id: string | null
  readonly kind: string
  readonly shard: number
  /** The other shard of a merge. */
  readonly with?: number
  readonly createdAt: string
  readonly state: string
  readonly error: string | null
  readonly reason: string
  readonly steps: readonly { readonly what: string; readonly state: string }[]
}

/** Rejects when the driver says no. */
export function ask<Document = OperatorShown>(cluster: TestCluster, request: OperateRequest): Promise<Document> {
  return cluster.router.admin.operate(request, { timeoutMs: TIMEOUT_MS }) as Promise<Document>
}

export function start(cluster: TestCluster, request: HandRequest): Promise<OperatorShown> {
  return ask(cluster, { what: 'start', request, dryRun: false })
}

/** The operator once it has ended. */
export async function ended(cluster: TestCluster, id: string | null, waitMs = WAIT_MS): Promise<OperatorShown> {
  assert(id !== null, 'a dry run has no end')
  return await poll(`the end of operator ${id}`, waitMs, async () => {
    const shown = await ask(cluster, { what: 'show-operator', operator: id })
    if (shown.state === 'running') throw new Error(JSON.stringify(shown))
    return shown
  })
}

export async function onlyShard(cluster: TestCluster): Promise<number> {
  const [shard] = cluster.store('s1').map.map.shards
  assert(shard !== undefined)
  await cluster.leader(shard.id)
  return shard.id
}

/** Stores that vote, by name; others with their role. */
export async function votersOf(cluster: TestCluster, shard: number): Promise<string[]> {
  const { shard: truth } = await cluster.leader(shard)
  return truth.replicas.map(({ store, role }) => (role === 'voter' ? store : `${store} ${role}`)).sort()
}
