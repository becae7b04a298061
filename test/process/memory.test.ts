/**
 * Many connections for a while: memory stays within bounds, nothing is complained of. 30 seconds by default; FLOTILLA_LONG=1 makes it two
 * minutes.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { ANY_BROKER } from '../../tools/cluster/broker-process.ts'
import { http, keptConnections, NoAnswer } from '../../tools/cluster/http.ts'
import { delay } from '../../tools/cluster/poll.ts'
import { withCluster } from '../support/process-cluster.ts'

const SECONDS = process.env.FLOTILLA_LONG === '1' ? 120 : 30
const CONNECTIONS = 64
const KEYS = 2_000
const VALUE_BYTES = 256
/** Caches and the young generation of the heap go up and down by some tens of MiB; a leak at this load grows by hundreds. */
const GROWTH_MIB_MAX = 96

function residentMiB(pid: number): number {
  const [, pages = '0'] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')
  return (Number(pages) * 4096) / 1024 / 1024
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

test(`${CONNECTIONS} connections for ${SECONDS} s: memory does not keep growing`, async (context) => {
  if (process.platform !== 'linux') {
    context.skip('SKIPPED: resident memory is read from /proc, which only Linux has')
    return
  }
  await withCluster({ broker: ANY_BROKER, shards: 8 }, async (cluster) => {
    await cluster.leaders()
    const agent = keptConnections(CONNECTIONS)
    const counts = { ok: 0, failed: 0 }
    const failures: string[] = []
    let isOver = false
    const client = async (number: number): Promise<void> => {
      const address = cluster.address(cluster.ids[number % 3] ?? 's1')
      for (let turn = number; !isOver; turn += 7) {
        const path = `/kv/${(turn % KEYS).toString(36)}`
        const body = { body: String(turn).padEnd(VALUE_BYTES, '.') }
        try {
          const { status } = await http(address, {
            method: turn % 2 === 0 ? 'PUT' : 'GET',
            path,
            agent,
            ...(turn % 2 === 0 ? body : {}),
          })
          if (status === 204 || status === 200 || status === 404) counts.ok++
          else failures.push(`${status} for ${path}`)
        } catch (error) {
          if (!(error instanceof NoAnswer)) throw error
          failures.push(error.message)
        }
      }
    }
    const clients = Array.from({ length: CONNECTIONS }, (_, number) => client(number))
    const samples = new Map<string, number[]>(cluster.ids.map((id) => [id, []]))
    for (let second = 0; second < SECONDS; second++) {
      await delay(1_000)
      for (const id of cluster.ids) samples.get(id)?.push(residentMiB(cluster.process(id).pid ?? 0))
    }
    isOver = true
    await Promise.all(clients)
    agent.destroy()
    assert.deepEqual(failures.slice(0, 5), [], `${failures.length} requests failed on a healthy cluster`)
    console.log(`${counts.ok} operations in ${SECONDS} s`)
    for (const [id, values] of samples) {
      const shown = values.filter((_, second) => second % Math.ceil(SECONDS / 10) === 0).map(Math.round)
      console.log(`${id}: resident MiB over time: ${shown.join(' ')} ${Math.round(values.at(-1) ?? 0)}`)
      const third = Math.floor(values.length / 3)
      const grownMiB = mean(values.slice(-third / 2)) - mean(values.slice(-third, -third / 2))
      assert(grownMiB < GROWTH_MIB_MAX, `${id} grew by ${Math.round(grownMiB)} MiB in the last third`)
    }
  })
})
