/** Waiting for servers, finding free ports and programs: what starting any system needs. */
import { accessSync, constants } from 'node:fs'
import { get } from 'node:http'
import { type AddressInfo, connect, createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { OperatingError } from '../operating-error.ts'
import type { Child } from './child-processes.ts'

const POLL_INTERVAL_MS = 100
const READY_TIMEOUT_MS = 30_000
const PROBE_TIMEOUT_MS = 2000

/** Polls `probe` until it holds. Rejects with the children's last output when one of them ends or after 30 s. */
export async function waitUntilReady(children: readonly Child[], probe: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + READY_TIMEOUT_MS
  while (!(await probe())) {
    for (const child of children) {
      const exited = child.exited()
      if (exited !== undefined)
        throw new OperatingError(`${child.name} ended (${exited}) before it was ready:\n${child.output()}`)
    }
    if (performance.now() > deadlineMs) {
      const outputs = children.map((child) => `${child.name}:\n${child.output()}`)
      throw new OperatingError(`not ready after ${READY_TIMEOUT_MS / 1000} s\n${outputs.join('\n')}`)
    }
    await sleep(POLL_INTERVAL_MS)
  }
}

/** The status and body of a GET, or undefined when nothing answers within 2 s. */
export function fetchText(url: string): Promise<{ status: number; body: string } | undefined> {
  return new Promise((resolve) => {
    const request = get(url, { timeout: PROBE_TIMEOUT_MS, agent: false }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() }))
      response.on('error', () => resolve(undefined))
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(undefined))
  })
}

/** Whether something accepts connections on a loopback port. */
export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    const answer = (listening: boolean) => () => {
      socket.destroy()
      resolve(listening)
    }
    socket.on('connect', answer(true))
    socket.on('error', answer(false))
  })
}

/** Ports of 127.0.0.1 that were free a moment ago, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  const ports: number[] = []
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    ports.push((server.address() as AddressInfo).port)
  }
  for (const server of servers) await new Promise((resolve) => server.close(resolve))
  return ports
}

/** Debian puts servers where ordinary users' PATH does not look. */
const EXTRA_DIRECTORIES = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin']

/** The path of a program: the environment variable `override` if set, else the first match on PATH; undefined when there is none. */
export function findProgram(name: string, override: string): string | undefined {
  const chosen = process.env[override]
  if (chosen !== undefined && chosen !== '') return chosen
  const directories = [...(process.env.PATH ?? '').split(delimiter), ...EXTRA_DIRECTORIES]
  return directories.map((directory) => join(directory, name)).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    // Absent or not executable: the answer is the same.
    return false
  }
}
