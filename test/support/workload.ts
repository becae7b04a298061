/**
 * Clients that use a cluster and write down what they saw: several at once, each one operation at a time, over a fixed set of keys. Every put
 * writes a value of its own. The history goes to the linearizability checker. How an operation reaches the cluster is its target's affair
 * (`http-target.ts`, `client-target.ts`).
 */
import assert from 'node:assert/strict'
import { type Action, checkLinearizable, type Operation, type Outcome } from '../../src/testing/index.ts'
import { delay, Patience } from '../../tools/cluster/poll.ts'

export interface Target {
  /** Undefined when the operation certainly reached nobody. `turn` tells one attempt of a client from the next. */
  perform(key: string, action: Action, turn: number): Promise<Outcome | undefined>
  /** Answers that were not allowed, or never came. */
  readonly complaints: readonly string[]
  /** Why outcomes are unknown, where the target can tell more than that. */
  readonly doubts?: readonly string[]
  close(): void
}

export interface WorkloadOptions {
  readonly keys: readonly string[]
  readonly clients: number
  /** Between two operations of one client, at random up to this. */
  readonly thinkMsMax?: number
}

/** A client that was refused does not ask again at once. */
const REFUSED_PAUSE_MS = 20
const LAST_READ_ATTEMPTS_MAX = 100

export class Workload {
  readonly history: Operation[] = []
  readonly counts = { ok: 0, none: 0, unknown: 0 }
  readonly #options: WorkloadOptions
  readonly #target: Target
  readonly #name: string
  #running: Promise<void>[] = []
  #stopped = false
  #sequence = 0

  constructor(name: string, target: Target, options: WorkloadOptions) {
    this.#name = name
    this.#target = target
    this.#options = options
  }

  get doubts(): readonly string[] {
    return this.#target.doubts ?? []
  }

  start(): this {
    for (let client = 0; client < this.#options.clients; client++) this.#running.push(this.#client(client))
    return this
  }

  /** Ends the clients without waiting for their answers. */
  cancel(): void {
    this.#stopped = true
    this.#target.close()
  }

  /** Resolves when every client has its last answer. */
  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#running)
    this.#running = []
  }

  /** Waits until `count` more operations have succeeded. */
  async succeed(count: number, deadlineMs = 60_000): Promise<void> {
    const goal = this.counts.ok + count
    const patience = new Patience(deadlineMs)
    while (this.counts.ok < goal) {
      assert(!patience.isOver(), `only ${this.counts.ok} of ${goal} operations succeeded within ${deadlineMs} ms`)
      await delay(10)
    }
  }

  /**
   * Ends the load, reads every key once more through each of `readers`, so that a lost write shows, and checks the whole history.
   */
  async verify(readers: readonly Target[] = [this.#target]): Promise<void> {
    await this.stop()
    for (const [position, reader] of readers.entries()) {
      for (const key of this.#options.keys) await this.#readForSure(`last reader ${position}`, reader, key)
    }
    const complaints = [...new Set([this.#target, ...readers])].flatMap((target) => target.complaints)
    assert.equal(complaints.length, 0, `answers against the contract:\n${complaints.slice(0, 10).join('\n')}`)
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
    for (let turn = number; !this.#stopped; turn++) {
      const key = keys[Math.floor(Math.random() * keys.length)] ?? ''
      const outcome = await this.#perform(name, this.#target, key, this.#choose(seen.get(key)), turn)
      if (outcome?.kind === 'written') seen.set(key, outcome.revision)
      else if (outcome?.kind === 'read' && outcome.found !== undefined) seen.set(key, outcome.found.revision)
      else if (outcome === undefined || outcome.kind === 'none') await delay(REFUSED_PAUSE_MS)
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

  async #readForSure(client: string, reader: Target, key: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#perform(client, reader, key, { kind: 'get' }, attempt)
      if (outcome?.kind === 'read') return
      assert(attempt < LAST_READ_ATTEMPTS_MAX, `${client} cannot read ${key}`)
      await delay(100)
    }
  }

  async #perform(
    client: string,
    target: Target,
    key: string,
    action: Action,
    turn: number,
  ): Promise<Outcome | undefined> {
    const calledMs = performance.now()
    const outcome = await target.perform(key, action, turn)
    if (outcome === undefined) return undefined
    if (outcome.kind === 'none') this.counts.none++
    else if (outcome.kind === 'unknown') this.counts.unknown++
    else this.counts.ok++
    this.history.push({ client, key, action, calledMs, returnedMs: performance.now(), outcome })
    return outcome
  }
}
