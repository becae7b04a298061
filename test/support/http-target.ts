/** A workload's way to a cluster over HTTP. It hangs up on nobody, keeps its connections, and says what the contract does not allow. */
import type { Agent } from 'node:http'
import type { Action, Outcome } from '../../src/testing/index.ts'
import { http, keptConnections, NoAnswer } from '../../tools/cluster/http.ts'
import { conditionHeaders, Judge, methodOf } from '../../tools/cluster/judge.ts'
import { delay } from '../../tools/cluster/poll.ts'
import type { Target } from './workload.ts'

/** What the harness allows beyond a request's own deadline before it says that the cluster hangs. */
const HANG_GRACE_MS = 4_000

export class HttpTarget implements Target {
  readonly complaints: string[] = []
  /** Why an outcome is unknown, in order. */
  readonly doubts: string[] = []
  readonly #judge = new Judge((what) => this.complaints.push(what), ['UNAVAILABLE'])
  readonly #addresses: () => readonly string[]
  readonly #timeoutMs: number
  readonly #agent: Agent

  /** `addresses` is asked before each request; each attempt goes to the next of them. `timeoutMs` is what the cluster is told. */
  constructor(addresses: () => readonly string[], connections: number, timeoutMs = 9_500) {
    this.#addresses = addresses
    this.#timeoutMs = timeoutMs
    this.#agent = keptConnections(connections)
  }

  async perform(key: string, action: Action, turn: number): Promise<Outcome | undefined> {
    const addresses = this.#addresses()
    const address = addresses[turn % addresses.length]
    if (address === undefined) {
      await delay(20)
      return undefined
    }
    try {
      const answer = await http(address, {
        method: methodOf(action),
        path: `/kv/${key}`,
        headers: { 'Flotilla-Timeout-Ms': String(this.#timeoutMs), ...conditionHeaders(action) },
        hangMs: this.#timeoutMs + HANG_GRACE_MS,
        agent: this.#agent,
        ...(action.kind === 'put' ? { body: action.value } : {}),
      })
      const outcome = this.#judge.answered(answer, key, action)
      if (outcome.kind === 'unknown') this.doubts.push(`${action.kind} ${key} at ${address}: ${answer.body.toString()}`)
      return outcome
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      if (error.kind === 'hang') this.complaints.push(error.message)
      if (error.kind === 'refused') return undefined
      this.doubts.push(`${error.message} (${address})`)
      return { kind: 'unknown' }
    }
  }

  close(): void {
    this.#agent.destroy()
  }
}
