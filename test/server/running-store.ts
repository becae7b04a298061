/** One real store with its gateway in this process, over an embedded broker: what tests of its HTTP face ask. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { loadConfig } from '../../src/server/config/index.ts'
import { type RunningNode, startNode } from '../../src/server/index.ts'
import { freePort } from '../../tools/cluster/ports.ts'

export interface RunningStore {
  readonly node: RunningNode
  readonly base: string
  readonly dir: string
}

/** Settings as on the command line. It is stopped when the test ends. */
export async function startStore(
  t: TestContext,
  settings: Readonly<Record<string, string>> = {},
): Promise<RunningStore> {
  const dir = mkdtempSync(path.join(tmpdir(), 'flotilla-store-'))
  const loaded = loadConfig({
    env: {},
    flags: {
      'cluster.bootstrap.stores': 's1',
      'cluster.bootstrap.shards': '2',
      'store.dir': dir,
      'transport.servers': `nats://127.0.0.1:${await freePort()}`,
      'transport.embedded': 'true',
      'gateway.listen': `127.0.0.1:${await freePort()}`,
      'observability.log.level': 'error',
      ...settings,
    },
  })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors))
  // The store's own timers do not keep a process alive.
  const alive = setInterval(() => {}, 1_000)
  const node = await startNode(loaded.config)
  t.after(async () => {
    await node.stop()
    clearInterval(alive)
    rmSync(dir, { recursive: true, force: true })
  })
  const base = `http://${node.address}`
  while (!(await fetch(`${base}/readyz`)).ok) await new Promise((resolve) => setTimeout(resolve, 20))
  return { node, base, dir }
}
