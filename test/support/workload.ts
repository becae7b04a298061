/**
 * Clients that use a cluster over HTTP and write down what they saw: several at once, each one operation at a time, over a fixed set of keys.
 * Every put writes a value of its own. The history goes to the linearizability checker.
 */
import assert from 'node:assert/strict'
import type { Agent } from 'node:http'
import { type HttpAnswer, http, keptConnections, NoAnswer, problem } from './http.ts'
import { type Action, type Condition, checkLinearizable, type Operation, type Outcome } from './linearizability.ts'
import { delay } from './poll.ts'

export interface WorkloadOptions {
  /** Asked before each request; a client that finds nobody listening tries another one. */
  readonly addresses: () => readonly string[]
  /** Percent-encoded. */
  readonly keys: readonly string[]
  readonly clients: number
  /** Between two operations of one client, at random up to this. */
  readonly thinkMsMax?: number
  /** Each value is filled up to this. */
  readonly valueBytes?: number
  /** What each request may take, as the cluster is told. */
  readonly timeoutMs?: number
}

/** What the harness allows beyond a request's own deadline before it says that the cluster hangs. */
const HANG_GRACE_MS = 4_000

export class Workload {
  readonly history: Operation[] = []
  /** Answers that the contract does not allow. */
  readonly complaints: string[] = []
  readonly counts = { ok: 0, none: 0, unknown: 0 }
  readonly #options: WorkloadOptions
  readonly #agent: Agent
  readonly #name: string
  #running: Promise<void>[] = []
  #stopped = false
  #sequence = 0

  constructor(name: string, options: WorkloadOptions) {
    this.#name = name
    this.#options = options
    this.#agent = keptConnections(options.clients)
  }

  start(): this {
    for (let client = 0; client < this.#options.clients; client++) this.#running.push(this.#client(client))
    return this
  }

  /** Ends the clients without waiting for their answers. */
  cancel(): void {
    this.#stopped = true
    this.#agent.destroy()
  }

  /** Resolves when every client has its last answer. */
  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#running)
    this.#running = []
    this.#agent.destroy()
  }

  /** Waits until `count` more operations have succeeded. */
  async succeed(count: number, deadlineMs = 60_000): Promise<void> {
    const goal = this.counts.ok + count
    const startedMs = performance.now()
    while (this.counts.ok < goal) {
      assert(
        performance.now() - startedMs < deadlineMs,
        `only ${this.counts.ok} of ${goal} operations succeeded within ${deadlineMs} ms`,
      )
      await delay(10)
    }
  }

  /**
   * Ends the load, reads every key once more (so that a lost write shows), and checks the whole history. `addresses` are those read from,
   * one after the other.
   */
  async verify(addresses: readonly string[] = this.#options.addresses()): Promise<void> {
    await this.stop()
    for (const address of addresses) {
      for (const key of this.#options.keys) await this.#readForSure(`last reader of ${address}`, address, key)
    }
    assert.equal(this.complaints.length, 0, `answers against the contract:\n${this.complaints.slice(0, 10).join('\n')}`)
    const startedMs = performance.now()
    const verdict = checkLinearizable(this.history)
    assert(verdict.ok, verdict.ok ? '' : verdict.reason)
    const { ok, none, unknown } = this.counts
    const checkMs = Math.round(performance.now() - startedMs)
    console.log(
      `${this.#name}: linearizable; ${ok} done, ${none} refused, ${unknown} unknown (checked in ${checkMs} ms)`,
    )
  }

  async #client(number: number): Promise<void> {
    const { thinkMsMax = 10, keys } = this.#options
    const name = `${this.#name}-${number}`
    /** The last revision this client saw of a key. */
    const seen = new Map<string, number>()
    let turn = number
    while (!this.#stopped) {
      const key = keys[Math.floor(Math.random() * keys.length)] ?? ''
      const action = this.#choose(seen.get(key))
      const addresses = this.#options.addresses()
      const address = addresses[turn++ % addresses.length]
      if (address === undefined) {
        await delay(20)
        continue
      }
      const outcome = await this.#perform(name, address, key, action)
      if (outcome?.kind === 'written') seen.set(key, outcome.revision)
      else if (outcome?.kind === 'read' && outcome.found !== undefined) seen.set(key, outcome.found.revision)
      else if (outcome === undefined || outcome.kind === 'none') await delay(20)
      if (thinkMsMax > 0) await delay(Math.random() * thinkMsMax)
    }
  }

  #choose(revision: number | undefined): Action {
    const roll = Math.random()
    if (roll < 0.4) return { kind: 'get' }
    if (roll < 0.5) return { kind: 'delete', condition: { kind: 'none' } }
    const value = `${this.#name}.${++this.#sequence}`
    if (roll < 0.55) return { kind: 'put', value, condition: { kind: 'absent' } }
    if (roll < 0.7 && revision !== undefined) return { kind: 'put', value, condition: { kind: 'revision', revision } }
    return { kind: 'put', value, condition: { kind: 'none' } }
  }

  async #readForSure(client: string, address: string, key: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#perform(client, address, key, { kind: 'get' })
      if (outcome?.kind === 'read') return
      assert(attempt < 100, `${client} cannot read ${key}`)
      await delay(100)
    }
  }

  /** Performs and records one operation. Undefined when nobody listened. */
  async #perform(client: string, address: string, key: string, action: Action): Promise<Outcome | undefined> {
    const { timeoutMs = 9_500, valueBytes = 0 } = this.#options
    const calledMs = performance.now()
    const record = (outcome: Outcome): Outcome => {
      if (outcome.kind === 'none') this.counts.none++
      else if (outcome.kind === 'unknown') this.counts.unknown++
      else this.counts.ok++
      this.history.push({ client, key, action, calledMs, returnedMs: performance.now(), outcome })
      return outcome
    }
    try {
      const answer = await http(address, {
        method: action.kind === 'get' ? 'GET' : action.kind === 'put' ? 'PUT' : 'DELETE',
        path: `/kv/${key}`,
        headers: { 'Flotilla-Timeout-Ms': String(timeoutMs), ...conditionHeaders(action) },
        hangMs: timeoutMs + HANG_GRACE_MS,
        agent: this.#agent,
        ...(action.kind === 'put' ? { body: action.value.padEnd(valueBytes, ' ') } : {}),
      })
      return record(this.#judge(answer, key, action))
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      if (error.kind === 'hang') this.complaints.push(error.message)
      if (error.kind === 'refused') return undefined
      return record({ kind: 'unknown' })
    }
  }

  #judge(answer: HttpAnswer, key: string, action: Action): Outcome {
    const { status, headers, body } = answer
    const revision = Number(headers['flotilla-revision'])
    if (action.kind === 'get' && status === 200)
      return { kind: 'read', found: { value: body.toString('utf8').trimEnd(), revision } }
    if (action.kind === 'put' && status === 204) return { kind: 'written', revision }
    if (action.kind === 'delete' && status === 204)
      return { kind: 'deleted', existed: headers['flotilla-deleted'] === '1' }
    const trouble = problem(answer)
    if (trouble === undefined) {
      this.complaints.push(`${action.kind} ${key}: ${status} without a problem document: ${body.toString('utf8')}`)
      return { kind: 'unknown' }
    }
    if (action.kind === 'get' && trouble.code === 'KEY_NOT_FOUND') return { kind: 'read', found: undefined }
    if (action.kind !== 'get' && trouble.code === 'PRECONDITION_FAILED' && action.condition.kind !== 'none')
      return { kind: 'refused', revision: trouble.revision ?? undefined }
    if (!TROUBLE.has(trouble.code)) this.complaints.push(`${action.kind} ${key}: ${JSON.stringify(trouble)}`)
    return trouble.outcome === 'none' ? { kind: 'none' } : { kind: 'unknown' }
  }
}

/** What a correct request may be answered with while the cluster is in trouble. */
const TROUBLE: ReadonlySet<string> = new Set([
  'NO_LEADER',
  'QUORUM_LOST',
  'DRAINING',
  'NOT_READY',
  'TIMEOUT',
  'OVERLOADED',
  'UNAVAILABLE',
])

function conditionHeaders(action: Action): Record<string, string> {
  const condition: Condition = action.kind === 'get' ? { kind: 'none' } : action.condition
  switch (condition.kind) {
    case 'none':
      return {}
    case 'absent':
      return { 'If-None-Match': '*' }
    case 'exists':
      return { 'If-Match': '*' }
    case 'revision':
      return { 'If-Match': `"${condition.revision}"` }
  }
}
