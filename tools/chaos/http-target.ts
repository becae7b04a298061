/** A chaos client's way to the cluster over HTTP: each request goes to the gateway that it is told. */
import type { Agent } from 'node:http'
import type { Action, Outcome, ScannedItem } from '../../src/testing/check/index.ts'
import { type HttpAnswer, http, json, keptConnections, NoAnswer, problem } from '../cluster/http.ts'
import { conditionHeaders, Judge, methodOf } from '../cluster/judge.ts'
import { encodeKey, textOfJson } from './keys.ts'
import { type BatchStep, EXCUSED, type Page, type StaleAnswer, type Target } from './target.ts'

/** What is allowed beyond a request's own deadline before the cluster counts as hanging. Pauses of processes are shorter. */
const HANG_GRACE_MS = 12_000

interface JsonItem {
  readonly key: string
  readonly keyEncoding?: string
  readonly value: string
  readonly encoding?: string
  readonly revision: number
}

interface BatchResult {
  readonly ok: boolean
  readonly revision?: number
  readonly value?: string
  readonly encoding?: string
  readonly found?: boolean
  readonly deleted?: number
  readonly error?: { readonly code: string; readonly outcome: string }
}

export interface HttpTargetOptions {
  /** The gateway for the next request; undefined when none runs. */
  readonly address: () => string | undefined
  readonly timeoutMs: number
  readonly complain: (what: string) => void
}

export class HttpTarget implements Target {
  readonly asksForPages = true
  readonly #options: HttpTargetOptions
  readonly #judge: Judge
  readonly #agent: Agent = keptConnections(1)

  constructor(options: HttpTargetOptions) {
    this.#options = options
    this.#judge = new Judge(options.complain, EXCUSED)
  }

  async perform(key: string, action: Action): Promise<Outcome | undefined> {
    const answer = await this.#send(
      methodOf(action),
      `/kv/${encodeKey(key)}`,
      conditionHeaders(action),
      action.kind === 'put' ? action.value : undefined,
    )
    if (answer === 'refused') return undefined
    return answer === 'lost' ? { kind: 'unknown' } : this.#judge.answered(answer, key, action)
  }

  async batch(steps: readonly BatchStep[], atomic: boolean): Promise<readonly Outcome[] | undefined> {
    const ops = steps.map(({ key, action }) => ({
      op: action.kind,
      key: Buffer.from(key, 'latin1').toString('base64'),
      keyEncoding: 'base64',
      ...(action.kind === 'put' ? { value: action.value } : {}),
    }))
    const answer = await this.#send('POST', '/batch', {}, JSON.stringify({ ops, atomic }))
    if (answer === 'refused') return undefined
    if (answer === 'lost') return steps.map(() => ({ kind: 'unknown' }))
    if (answer.status !== 200) {
      const kind = this.#judge.failed(answer, 'batch')
      return steps.map(() => ({ kind }))
    }
    const { results } = json(answer) as { readonly results: readonly BatchResult[] }
    if (results.length !== steps.length)
      this.#options.complain(`a batch of ${steps.length} has ${results.length} results`)
    return steps.map(({ action }, position) => this.#judgeStep(action, results[position]))
  }

  async scan(start: string, end: string, itemsMax: number, reverse: boolean): Promise<Page | undefined> {
    const query = `start=${encodeKey(start)}&end=${encodeKey(end)}&limit=${itemsMax}&reverse=${reverse}`
    const answer = await this.#send('GET', `/kv?${query}`, {}, undefined)
    if (typeof answer === 'string') return undefined
    if (answer.status !== 200) {
      this.#judge.failed(answer, 'scan')
      return undefined
    }
    const page = json(answer) as { readonly items: readonly JsonItem[]; readonly next: string | null }
    return { items: page.items.map(scannedItem), isLast: page.next === null, stalenessMs: 0 }
  }

  async staleGet(key: string): Promise<StaleAnswer | undefined> {
    const answer = await this.#send('GET', `/kv/${encodeKey(key)}?consistency=stale`, {}, undefined)
    if (typeof answer === 'string') return undefined
    const stalenessMs = Number(answer.headers['flotilla-staleness-ms'])
    const isAbsent = answer.status === 404 && problem(answer)?.code === 'KEY_NOT_FOUND'
    if (answer.status !== 200 && !isAbsent) {
      this.#judge.failed(answer, 'stale get')
      return undefined
    }
    if (!Number.isFinite(stalenessMs)) {
      this.#options.complain(`a stale answer without its age: ${answer.status} ${JSON.stringify(answer.headers)}`)
      return undefined
    }
    const revision = Number(answer.headers['flotilla-revision'])
    return { found: isAbsent ? undefined : { value: answer.body.toString('utf8'), revision }, stalenessMs }
  }

  async close(): Promise<void> {
    this.#agent.destroy()
  }

  async #send(
    method: string,
    path: string,
    headers: Record<string, string>,
    body: string | undefined,
  ): Promise<HttpAnswer | 'refused' | 'lost'> {
    const { address: choose, timeoutMs, complain } = this.#options
    const address = choose()
    if (address === undefined) return 'refused'
    try {
      return await http(address, {
        method,
        path,
        headers: { 'Flotilla-Timeout-Ms': String(timeoutMs), ...headers },
        hangMs: timeoutMs + HANG_GRACE_MS,
        agent: this.#agent,
        ...(body === undefined ? {} : { body }),
      })
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      if (error.kind === 'hang') complain(error.message)
      return error.kind === 'refused' ? 'refused' : 'lost'
    }
  }

  #judgeStep(action: Action, result: BatchResult | undefined): Outcome {
    if (result === undefined) return { kind: 'unknown' }
    if (!result.ok) {
      return { kind: this.#judge.refused(result.error ?? { code: 'none given' }, 'a step of a batch') }
    }
    const { revision = 0, value = '', encoding, found, deleted } = result
    switch (action.kind) {
      case 'get':
        return { kind: 'read', found: found === false ? undefined : { value: textOfJson(value, encoding), revision } }
      case 'put':
        return { kind: 'written', revision }
      case 'delete':
        return { kind: 'deleted', existed: deleted === 1 }
    }
  }
}

export function scannedItem({ key, keyEncoding, value, encoding, revision }: JsonItem): ScannedItem {
  return { key: textOfJson(key, keyEncoding), value: textOfJson(value, encoding), revision }
}
