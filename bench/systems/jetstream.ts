/**
 * A three-server JetStream cluster on loopback. JetStream acknowledges a write when a quorum has it in memory and syncs files every two
 * minutes; nats-server before 2.10 cannot do otherwise. The comparison says so next to the numbers.
 */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { connect } from 'nats'
import { assert } from '../../src/base/index.ts'
import { JetStreamTarget } from '../targets/index.ts'
import type { Child, ChildProcesses } from './child-processes.ts'
import { findProgram, freePorts, isListening, waitUntilReady } from './readiness.ts'
import type { RunningSystem, System } from './system.ts'

const SERVERS = ['n1', 'n2', 'n3']
const BUCKET = 'bench'
const TIMEOUT_MS = 10_000

export class JetStreamSystem implements System {
  readonly name = 'jetstream'
  readonly #children: ChildProcesses
  readonly #program = findProgram('nats-server', 'NATS_SERVER_BIN')

  constructor(children: ChildProcesses) {
    this.#children = children
  }

  missing(): string | undefined {
    return this.#program === undefined
      ? 'nats-server is not installed: apt-get install nats-server (or set NATS_SERVER_BIN)'
      : undefined
  }

  async version(): Promise<string> {
    assert(this.#program !== undefined, 'nats-server is missing')
    const { stdout } = await promisify(execFile)(this.#program, ['--version'])
    return `JetStream of ${stdout.trim().replace(/: v?/, ' ')}`
  }

  async start(directory: string): Promise<RunningSystem> {
    assert(this.#program !== undefined, 'nats-server is missing')
    const ports = await freePorts(SERVERS.length * 2)
    const clientPorts = ports.slice(0, SERVERS.length)
    const routePorts = ports.slice(SERVERS.length)
    const routes = routePorts.map((port) => `nats://127.0.0.1:${port}`)
    const children: Child[] = []
    for (const [i, server] of SERVERS.entries()) {
      const file = join(directory, `${server}.conf`)
      const cluster = { name: 'bench', listen: `127.0.0.1:${routePorts[i]}`, routes }
      const configuration = {
        server_name: server,
        listen: `127.0.0.1:${clientPorts[i]}`,
        jetstream: { store_dir: join(directory, server) },
        cluster,
      }
      writeFileSync(file, JSON.stringify(configuration, undefined, 2))
      children.push(await this.#children.start(`nats-server ${server}`, this.#program, ['-c', file], directory))
    }
    const servers = clientPorts.map((port) => `127.0.0.1:${port}`)
    await waitUntilReady(children, async () => {
      const listening = await Promise.all(clientPorts.map(isListening))
      return listening.every(Boolean) && (await canPlaceReplicas(servers))
    })
    return {
      pids: children.map((child) => child.pid),
      metricsUrls: [],
      target: (access) =>
        access === 'native'
          ? new JetStreamTarget({ servers, bucket: BUCKET, replicas: SERVERS.length, timeoutMs: TIMEOUT_MS })
          : undefined,
      stop: async () => {
        await Promise.all(children.map((child) => child.stop()))
      },
    }
  }
}

/** The cluster serves once it has elected a leader that knows three servers; only placing a stream shows that. */
async function canPlaceReplicas(servers: readonly string[]): Promise<boolean> {
  const connection = await connect({ servers: [...servers], timeout: TIMEOUT_MS })
  try {
    await connection.jetstream().views.kv('probe', { replicas: SERVERS.length })
    return true
  } catch {
    // "No suitable peers" and time-outs while the servers find each other: the caller asks again.
    return false
  } finally {
    await connection.close()
  }
}
