/**
 * What became of one operation on a key, in the words of the checkers: from the answer of a gateway, or from the client of embedding programs. Answers
 * that no trouble of the cluster excuses are complained about. Workloads of tests and of `tools/chaos/` send their operations themselves and come
 * here with what they get.
 */
import { FlotillaError } from '../../src/protocol/index.ts'
import type { connect } from '../../src/server/index.ts'
import type { Action, Condition, Outcome } from '../../src/testing/check/index.ts'
import { type HttpAnswer, problem } from './http.ts'

type Client = Awaited<ReturnType<typeof connect>>
type Conditions = { readonly ifRevision?: number; readonly ifAbsent?: boolean }

/** What a correct request may be answered with while the cluster is in trouble. */
const TROUBLE: readonly string[] = ['NO_LEADER', 'QUORUM_LOST', 'DRAINING', 'NOT_READY', 'TIMEOUT', 'OVERLOADED']

export class Judge {
  readonly #complain: (what: string) => void
  readonly #excused: ReadonlySet<string>

  /** `excused`: codes that this kind of trouble explains beside the usual ones. */
  constructor(complain: (what: string) => void, excused: readonly string[]) {
    this.#complain = complain
    this.#excused = new Set([...TROUBLE, ...excused])
  }

  /** The answer of a route of one key. */
  answered(answer: HttpAnswer, key: string, action: Action): Outcome {
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
    return { kind: this.failed(answer, `${action.kind} ${key}`) }
  }

  /** An answer that is no success: whether it says that nothing happened. */
  failed(answer: HttpAnswer, what: string): 'none' | 'unknown' {
    const trouble = problem(answer)
    if (trouble !== undefined) return this.refused(trouble, what)
    const body = answer.body.toString('utf8').slice(0, 200)
    this.#complain(`${what}: ${answer.status} without a problem document: ${body}`)
    return 'unknown'
  }

  /** An error in whatever form: whether it says that nothing happened. */
  refused(error: { readonly code: string; readonly outcome?: string }, what: string): 'none' | 'unknown' {
    if (!this.#excused.has(error.code)) {
      const said = error instanceof FlotillaError ? `${error.code} ${error.message}` : JSON.stringify(error)
      this.#complain(`${what}: ${said}`)
    }
    return error.outcome === 'none' ? 'none' : 'unknown'
  }

  /** Performs the operation through the client. Rejects with what is no answer of the cluster. */
  async perform(
    client: Client,
    key: string | Uint8Array,
    action: Action,
    timeout: number,
    what: string,
  ): Promise<Outcome> {
    try {
      return await act(client, key, action, timeout)
    } catch (error) {
      if (!(error instanceof FlotillaError)) throw error
      if (error.code === 'PRECONDITION_FAILED') return { kind: 'refused', revision: error.revision ?? undefined }
      return { kind: this.refused(error, what) }
    }
  }
}

async function act(client: Client, key: string | Uint8Array, action: Action, timeout: number): Promise<Outcome> {
  if (action.kind === 'get') {
    const entry = await client.getEntry(key, { timeout })
    if (entry === undefined) return { kind: 'read', found: undefined }
    return { kind: 'read', found: { value: Buffer.from(entry.value).toString('utf8'), revision: entry.revision } }
  }
  const options = { timeout, ...conditionOptions(action.condition) }
  if (action.kind === 'delete') return { kind: 'deleted', existed: await client.del(key, options) }
  const { revision } = await client.put(key, action.value, options)
  return { kind: 'written', revision }
}

function conditionOptions(condition: Condition): Conditions {
  switch (condition.kind) {
    case 'none':
      return {}
    case 'absent':
      return { ifAbsent: true }
    case 'revision':
      return { ifRevision: condition.revision }
    case 'exists':
      throw new Error('the client has no such condition')
  }
}

export function methodOf({ kind }: Action): 'GET' | 'PUT' | 'DELETE' {
  return kind === 'get' ? 'GET' : kind === 'put' ? 'PUT' : 'DELETE'
}

export function conditionHeaders(action: Action): Record<string, string> {
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
