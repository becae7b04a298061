/**
 * Three Flotilla stores as real processes and one real nats-server between them, on loopback, with the configuration a user would write.
 * Everything the benchmark knows about starting Flotilla is in this file.
 */
import { execFile } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { assert } from '../../src/base/index.ts'
import { FlotillaLeaders, flotillaDialect, HttpTarget } from '../http/index.ts'
import { FlotillaNativeTarget } from '../targets/index.ts'
import type { Child, ChildProcesses } from './child-processes.ts'
import { packageRoot } from './package-root.ts'
import { fetchText, findProgram, freePorts, isListening, waitUntilReady } from './readiness.ts'
import type { RunningSystem, System } from './system.ts'

const STORES = ['s1', 's2', 's3']
/** One client serves all lanes, as in an application; it batches what they send in one turn. */
const NATIVE_CLIENTS = 1

export class FlotillaSystem implements System {
  readonly name = 'flotilla'
  readonly #children: ChildProcesses
  readonly #broker = findProgram('nats-server', 'NATS_SERVER_BIN')
  /** FLOTILLA_BIN measures another build than this package's own. */
  readonly #tool = process.env.FLOTILLA_BIN || join(packageRoot(), 'dist', 'tools', 'flotilla.js')

  constructor(children: ChildProcesses) {
    this.#children = children
  }

  missing(): string | undefined {
    if (!existsSync(this.#tool)) return 'Flotilla is not built: npm run build (or set FLOTILLA_BIN)'
    if (this.#broker === undefined) {
      return 'nats-server is not installed: apt-get install nats-server (or set NATS_SERVER_BIN)'
    }
    return undefined
  }

  async version(): Promise<string> {
    assert(this.#broker !== undefined, 'nats-server is missing')
    const manifest: { version?: unknown } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8'))
    const { stdout } = await promisify(execFile)(this.#broker, ['--version'])
    return `flotilla ${manifest.version} with ${stdout.trim().replace(/: v?/, ' ')}`
  }

  async start(directory: string): Promise<RunningSystem> {
    const [brokerPort, ...gatewayPorts] = await freePorts(1 + STORES.length)
    assert(brokerPort !== undefined && this.#broker !== undefined, 'no broker to start')
    const broker = await this.#children.start(
      'nats-server',
      this.#broker,
      ['-a', '127.0.0.1', '-p', String(brokerPort)],
      directory,
    )
    await waitUntilReady([broker], () => isListening(brokerPort))
    const brokerUrl = `nats://127.0.0.1:${brokerPort}`
    const stores: Child[] = []
    for (const [i, store] of STORES.entries()) {
      const file = join(directory, `${store}.yaml`)
      writeFileSync(file, configuration(store, join(directory, store), brokerUrl, gatewayPorts[i] as number))
      stores.push(
        await this.#children.start(`store ${store}`, process.execPath, [this.#tool, 'start', '-c', file], directory),
      )
    }
    await waitUntilReady([broker, ...stores], async () => {
      const answers = await Promise.all(gatewayPorts.map((port) => fetchText(`http://127.0.0.1:${port}/readyz`)))
      return answers.every((answer) => answer?.status === 200)
    })
    const endpoints = gatewayPorts.map((port) => ({ host: '127.0.0.1', port }))
    return {
      pids: [broker, ...stores].map((child) => child.pid),
      metricsUrls: gatewayPorts.map((port) => `http://127.0.0.1:${port}/metrics`),
      target: (access) => {
        if (access === 'native') return new FlotillaNativeTarget({ url: brokerUrl, clients: NATIVE_CLIENTS })
        const leaders = access === 'http-leaders' ? new FlotillaLeaders(endpoints) : undefined
        return new HttpTarget(flotillaDialect(), endpoints, leaders)
      },
      stop: async () => {
        // Stores first: they say goodbye through the broker.
        await Promise.all(stores.map((store) => store.stop()))
        await broker.stop()
      },
    }
  }
}

/** JSON is YAML. Only what a cluster needs is set; everything else is the default that is being measured. */
function configuration(store: string, directory: string, brokerUrl: string, gatewayPort: number): string {
  const settings = {
    cluster: { id: 'bench', bootstrap: { stores: STORES, replicas: STORES.length } },
    store: { id: store, dir: directory },
    transport: { servers: [brokerUrl], embedded: false },
    gateway: { listen: `127.0.0.1:${gatewayPort}` },
  }
  return `${JSON.stringify(settings, undefined, 2)}\n`
}
