/** A workload's way to a cluster over HTTP. It hangs up on nobody, keeps its connections, and says what the contract does not allow. */
import type { Agent } from 'node:http'
import type { Action, Outcome } from '../../src/testing/index.ts'
import { type HttpAnswer, http, keptConnections, NoAnswer, problem } from '../../tools/cluster/http.ts'
import { delay } from '../../tools/cluster/poll.ts'
import { type Target, TROUBLE } from './workload.ts'

/** What the harness allows beyond a request's own deadline before it says that the cluster hangs. */
const HANG_GRACE_MS = 4_000

export class HttpTarget implements Target {
  readonly complaints: string[] = []
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
        method: action.kind === 'get' ? 'GET' : action.kind === 'put' ? 'PUT' : 'DELETE',
        path: `/kv/${key}`,
        headers: { 'Flotilla-Timeout-Ms': String(this.#timeoutMs), ...conditionHeaders(action) },
        hangMs: this.#timeoutMs + HANG_GRACE_MS,
        agent: this.#agent,
        ...(action.kind === 'put' ? { body: action.value } : {}),
      })
      return this.#judge(answer, key, action)
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      if (error.kind === 'hang') this.complaints.push(error.message)
      return error.kind === 'refused' ? undefined : { kind: 'unknown' }
    }
  }

  close(): void {
    this.#agent.destroy()
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
