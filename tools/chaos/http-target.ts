/** A chaos client's way to the cluster over HTTP: each request goes to the gateway that it is told. */
import type { Agent } from 'node:http'
import type { Action, Outcome, ScannedItem } from '../../src/testing/check/index.ts'
import { type HttpAnswer, http, json, keptConnections, NoAnswer, problem } from '../cluster/http.ts'
import { encodeKey, textOfJson } from './keys.ts'
import { type BatchStep, type Page, type StaleAnswer, type Target, TROUBLE } from './target.ts'

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
  readonly #agent: Agent = keptConnections(1)

  constructor(options: HttpTargetOptions) {
    this.#options = options
  }

  async perform(key: string, action: Action): Promise<Outcome | undefined> {
    const answer = await this.#send(
      action.kind === 'get' ? 'GET' : action.kind === 'put' ? 'PUT' : 'DELETE',
      `/kv/${encodeKey(key)}`,
      conditionHeaders(action),
      action.kind === 'put' ? action.value : undefined,
    )
    if (answer === 'refused') return undefined
    return answer === 'lost' ? { kind: 'unknown' } : this.#judge(answer, key, action)
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
      const kind = this.#troubled(answer, 'batch')
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
      this.#troubled(answer, 'scan')
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
      this.#troubled(answer, 'stale get')
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

  #judge(answer: HttpAnswer, key: string, action: Action): Outcome {
    const { status, headers, body } = answer
    const revision = Number(headers['flotilla-revision'])
    if (action.kind === 'get' && status === 200)
      return { kind: 'read', found: { value: body.toString('utf8'), revision } }
    if (action.kind === 'put' && status === 204) return { kind: 'written', revision }
    if (action.kind === 'delete' && status === 204)
      return { kind: 'deleted', existed: headers['flotilla-deleted'] === '1' }
    const trouble = problem(answer)
    if (action.kind === 'get' && trouble?.code === 'KEY_NOT_FOUND') return { kind: 'read', found: undefined }
    if (action.kind !== 'get' && trouble?.code === 'PRECONDITION_FAILED' && action.condition.kind !== 'none')
      return { kind: 'refused', revision: trouble.revision ?? undefined }
    return { kind: this.#troubled(answer, `${action.kind} ${key}`) }
  }

  #judgeStep(action: Action, result: BatchResult | undefined): Outcome {
    if (result === undefined) return { kind: 'unknown' }
    if (!result.ok) {
      const { code = 'none given', outcome } = result.error ?? {}
      if (!TROUBLE.has(code)) this.#options.complain(`a step of a batch: ${code}`)
      return outcome === 'none' ? { kind: 'none' } : { kind: 'unknown' }
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

  /** An answer that is no success: whether it says that nothing happened. */
  #troubled(answer: HttpAnswer, what: string): 'none' | 'unknown' {
    const trouble = problem(answer)
    if (trouble === undefined) {
      const body = answer.body.toString('utf8').slice(0, 200)
      this.#options.complain(`${what}: ${answer.status} without a problem document: ${body}`)
      return 'unknown'
    }
    if (!TROUBLE.has(trouble.code)) this.#options.complain(`${what}: ${JSON.stringify(trouble)}`)
    return trouble.outcome === 'none' ? 'none' : 'unknown'
  }
}

export function scannedItem({ key, keyEncoding, value, encoding, revision }: JsonItem): ScannedItem {
  return { key: textOfJson(key, keyEncoding), value: textOfJson(value, encoding), revision }
}

function conditionHeaders(action: Action): Record<string, string> {
  if (action.kind === 'get') return {}
  const { condition } = action
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
