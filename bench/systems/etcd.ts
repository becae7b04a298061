/** A three-member etcd on loopback with its defaults: fsync on, HTTP gateway under /v3. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { assert } from '../../src/base/index.ts'
import { EtcdLeader, etcdDialect, HttpTarget } from '../http/index.ts'
import type { Child, ChildProcesses } from './child-processes.ts'
import { fetchText, findProgram, freePorts, waitUntilReady } from './readiness.ts'
import type { RunningSystem, System } from './system.ts'

const MEMBERS = ['e1', 'e2', 'e3']

export class EtcdSystem implements System {
  readonly name = 'etcd'
  readonly #children: ChildProcesses
  readonly #program = findProgram('etcd', 'ETCD_BIN')

  constructor(children: ChildProcesses) {
    this.#children = children
  }

  missing(): string | undefined {
    return this.#program === undefined
      ? 'etcd is not installed: apt-get install etcd-server (or set ETCD_BIN)'
      : undefined
  }

  async version(): Promise<string> {
    assert(this.#program !== undefined, 'etcd is missing')
    const { stdout } = await promisify(execFile)(this.#program, ['--version'])
    return `etcd ${/etcd Version: (\S+)/.exec(stdout)?.[1] ?? 'of unknown version'}`
  }

  async start(directory: string): Promise<RunningSystem> {
    assert(this.#program !== undefined, 'etcd is missing')
    const ports = await freePorts(MEMBERS.length * 2)
    const clientPorts = ports.slice(0, MEMBERS.length)
    const peerUrls = ports.slice(MEMBERS.length).map((port) => `http://127.0.0.1:${port}`)
    const cluster = MEMBERS.map((member, i) => `${member}=${peerUrls[i]}`).join(',')
    const children: Child[] = []
    for (const [i, member] of MEMBERS.entries()) {
      const clientUrl = `http://127.0.0.1:${clientPorts[i]}`
      const args = ['--name', member, '--data-dir', join(directory, member)]
      args.push('--listen-client-urls', clientUrl, '--advertise-client-urls', clientUrl)
      args.push('--listen-peer-urls', `${peerUrls[i]}`, '--initial-advertise-peer-urls', `${peerUrls[i]}`)
      args.push('--initial-cluster', cluster, '--initial-cluster-state', 'new', '--log-level', 'error')
      children.push(await this.#children.start(`etcd ${member}`, this.#program, args, directory))
    }
    await waitUntilReady(children, async () => {
      const answers = await Promise.all(clientPorts.map((port) => fetchText(`http://127.0.0.1:${port}/health`)))
      return answers.every((answer) => answer?.status === 200 && answer.body.includes('"true"'))
    })
    const endpoints = clientPorts.map((port) => ({ host: '127.0.0.1', port }))
    return {
      pids: children.map((child) => child.pid),
      metricsUrls: [],
      target: (access) => {
        if (access === 'native') return undefined
        return new HttpTarget(etcdDialect(), endpoints, access === 'http' ? undefined : new EtcdLeader(endpoints))
      },
      stop: async () => {
        await Promise.all(children.map((child) => child.stop()))
      },
    }
  }
}
