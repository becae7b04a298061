/** The disk of one store fills up: it acknowledges nothing more, ends and says why; the others go on, and with room again it is back. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { ANY_BROKER } from '../../tools/cluster/broker-process.ts'
import { poll } from '../../tools/cluster/poll.ts'
import { withCluster } from '../support/process-cluster.ts'

const DISK_MIB = 24
const BALLAST_MIB = 14

/** A small disk of its own, or undefined where this user may not mount one. */
function mountDisk(): string | undefined {
  if (process.platform !== 'linux') return undefined
  const disk = mkdtempSync(path.join(tmpdir(), 'flotilla-disk-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'tmpfs', disk])
  if (mounted.status === 0) return disk
  rmdirSync(disk)
  return undefined
}

test('a full disk stops its store and nobody else; freed, it is back with everything', async (context) => {
  const disk = mountDisk()
  if (disk === undefined) {
    context.skip('SKIPPED: this user may not mount a tmpfs, so no disk can be filled')
    return
  }
  try {
    const config = { storage: { segmentBytes: '1MiB', overlayBytes: '2MiB' } }
    const directory = path.join(disk, 's3')
    const ballast = path.join(disk, 'ballast')
    const expectedErrors = [/disk_full/, /store_failed/, /DISK_FULL/, /ENOSPC/, /disk space/, /No space/]
    const options = { broker: ANY_BROKER, config, expectedErrors, shards: 2 }
    await withCluster(
      { ...options, directoryOf: (id) => (id === 's3' ? directory : path.join(`${disk}-others`, id)) },
      async (cluster) => {
        mkdirSync(`${disk}-others`, { recursive: true })
        const keys = await cluster.keysPerShard(5)
        const bulk = await cluster.keysPerShard(200)
        const load = cluster.load('disk-full', { keys, clients: 4 })
        await load.succeed(100)
        writeFileSync(ballast, Buffer.alloc(BALLAST_MIB * 1024 * 1024))
        const acknowledged = new Map<string, string>()
        let sequence = 0
        await poll('the disk of s3 is full', 60_000, async () => {
          const key = bulk[sequence % bulk.length] ?? ''
          const value = `${++sequence}.${'x'.repeat(40_000)}`
          const answer = await cluster.http('s1', { method: 'PUT', path: `/kv/${key}.bulk`, body: value })
          if (answer.status === 204) acknowledged.set(`${key}.bulk`, value)
          return !cluster.running.includes('s3')
        })
        const exit = await cluster.process('s3').exited
        assert.equal(exit.code, 1)
        const lastWords = cluster.process('s3').lines.slice(-12).join('\n')
        assert.match(lastWords, /full|space/i, cluster.process('s3').output())
        console.log(
          `s3 said: ${lastWords
            .split('\n')
            .filter((line) => /full/.test(line))
            .join(' | ')}`,
        )
        await load.succeed(100)
        assert.deepEqual(cluster.running, ['s1', 's2'])
        rmSync(ballast)
        await cluster.restart('s3')
        await load.succeed(100)
        await load.verify(cluster.readers())
        assert(acknowledged.size > 50, `only ${acknowledged.size} large writes were acknowledged`)
        await poll('s3 has every acknowledged write', 30_000, async () => {
          for (const [key, value] of acknowledged) {
            const answer = await cluster.http('s3', { method: 'GET', path: `/kv/${key}?consistency=stale` })
            assert(answer.body.toString('utf8') === value, `s3 lacks ${key}`)
          }
          return true
        })
      },
    )
  } finally {
    spawnSync('umount', [disk])
    rmdirSync(disk)
    rmSync(`${disk}-others`, { recursive: true, force: true })
  }
})
