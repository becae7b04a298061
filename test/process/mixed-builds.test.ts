/**
 * A rolling upgrade from the commit before this one: its stores are replaced by this build's one after the other, under load, and in between both builds are one
 * cluster that splits shards and moves leaders. What clients saw is linearizable. FLOTILLA_PREVIOUS names another commit to come from, such as a release's tag.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ANY_BROKER } from '../../tools/cluster/broker-process.ts'
import type { ProcessCluster } from '../support/process-cluster.ts'
import { withCluster } from '../support/process-cluster.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PREVIOUS = process.env.FLOTILLA_PREVIOUS ?? 'HEAD~1'
/** What the previous build must have to be started from its sources. */
const STARTER = path.join('tools', 'cluster', 'run-store.ts')

function reasonToSkip(): string | false {
  const known = spawnSync('git', ['rev-parse', '--verify', '--quiet', `${PREVIOUS}^{commit}`], { cwd: ROOT })
  if (known.error !== undefined) return 'there is no git here'
  if (known.status !== 0) return `git knows no ${PREVIOUS} here: not a clone, or one without history`
  return spawnSync('tar', ['--version']).status === 0 ? false : 'there is no tar here'
}

/** The sources of the previous commit, with the packages of this one. */
function checkOut(directory: string): void {
  const archive = execFileSync('git', ['archive', PREVIOUS], { cwd: ROOT, maxBuffer: 2 ** 28 })
  execFileSync('tar', ['-x', '-C', directory], { input: archive })
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(directory, 'node_modules'))
}

async function operate(cluster: ProcessCluster, via: string, route: string, body: object): Promise<void> {
  const answer = await cluster.http(via, { method: 'POST', path: `${route}?wait=20s`, body: JSON.stringify(body) })
  // One that is still on its way, or conflicts with what the placement driver does itself, has been understood.
  assert([200, 202, 409].includes(answer.status), `${route} at ${via}: ${answer.body.toString('utf8')}`)
}

const skip = reasonToSkip()

test('stores of the previous build are replaced one by one under load', { skip }, async () => {
  const previous = mkdtempSync(path.join(tmpdir(), 'flotilla-previous-'))
  const upgraded = new Set<string>()
  try {
    checkOut(previous)
    assert(existsSync(path.join(previous, STARTER)), `${PREVIOUS} has no ${STARTER}`)
    const commandOf = (store: string, file: string): string[] | undefined =>
      upgraded.has(store) ? undefined : [process.execPath, '--import', 'tsx', path.join(previous, STARTER), file]
    await withCluster({ broker: ANY_BROKER, commandOf }, async (cluster) => {
      const keys = await cluster.keysPerShard(2)
      const load = cluster.load('upgrade', { keys, clients: 8 })
      for (const id of cluster.ids) {
        await load.succeed(100)
        await cluster.stop(id)
        upgraded.add(id)
        await cluster.restart(id)
        // Both builds ask each other for what clusters ask of their stores.
        for (const via of cluster.ids) {
          const [shard] = (await cluster.dataShards(via)).filter(({ leader }) => leader !== null)
          assert(shard !== undefined, `${via} knows no shard with a leader`)
          const to = shard.replicas.find(({ store }) => store !== shard.leader)?.store ?? ''
          await operate(cluster, via, `/admin/shards/${shard.id}/transfer-leader`, { store: to })
        }
        const [first] = await cluster.dataShards(id)
        assert(first !== undefined)
        const own = keys.find((key) => (first.start ?? '') < key && (first.end == null || key < first.end))
        // The first shard loses its end each time: the next key must come before the last one.
        const cut = `${own}.${9 - upgraded.size}`
        if (own !== undefined) await operate(cluster, id, `/admin/shards/${first.id}/split`, { key: cut })
        await load.succeed(100)
      }
      assert.equal(upgraded.size, cluster.ids.length)
      await load.verify(cluster.readers())
    })
  } finally {
    rmSync(previous, { recursive: true, force: true })
  }
})
