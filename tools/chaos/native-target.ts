/** A chaos client's way to the cluster through the client of embedding programs, over NATS straight to the stores. */
import { FlotillaError } from '../../src/protocol/index.ts'
import type { connect } from '../../src/server/index.ts'
import type { Action, Condition, Outcome } from '../../src/testing/check/index.ts'
import { keyBytes } from './keys.ts'
import { type BatchStep, type Target, TROUBLE } from './target.ts'

type Client = Awaited<ReturnType<typeof connect>>

export class NativeTarget implements Target {
  readonly asksForPages = false
  readonly #client: Client
  readonly #timeout: number
  readonly #complain: (what: string) => void

  constructor(client: Client, timeoutMs: number, complain: (what: string) => void) {
    this.#client = client
    this.#timeout = timeoutMs
    this.#complain = complain
  }

  async perform(key: string, action: Action): Promise<Outcome> {
    try {
      return await this.#act(keyBytes(key), action)
    } catch (error) {
      if (error instanceof FlotillaError && error.code === 'PRECONDITION_FAILED')
        return { kind: 'refused', revision: error.revision ?? undefined }
      return { kind: this.#troubled(error, `${action.kind} ${key}`) }
    }
  }

  async batch(steps: readonly BatchStep[], atomic: boolean): Promise<readonly Outcome[]> {
    const operations = steps.map(({ key, action }) =>
      action.kind === 'put'
        ? { op: action.kind, key: keyBytes(key), value: action.value }
        : { op: action.kind, key: keyBytes(key) },
    )
    try {
      const results = await this.#client.batch(operations, { atomic, timeout: this.#timeout })
      return steps.map(({ action }, position) => {
        const result = results[position]
        if (result === undefined) return { kind: 'unknown' }
        if (!result.ok) return { kind: this.#troubled(result.error, 'a step of a batch') }
        const { revision = 0, value } = result
        if (action.kind === 'put') return { kind: 'written', revision }
        if (action.kind === 'delete') return { kind: 'deleted', existed: result.deleted === 1 }
        return { kind: 'read', found: value === undefined ? undefined : { value: text(value), revision } }
      })
    } catch (error) {
      const kind = this.#troubled(error, 'batch')
      return steps.map(() => ({ kind }))
    }
  }

  /** Pages are asked for over HTTP. */
  async scan(): Promise<undefined> {
    return undefined
  }

  /** The client does not tell how old an answer may be. */
  async staleGet(): Promise<undefined> {
    return undefined
  }

  async close(): Promise<void> {
    await this.#client.close()
  }

  async #act(key: Uint8Array, action: Action): Promise<Outcome> {
    const timeout = this.#timeout
    if (action.kind === 'get') {
      const entry = await this.#client.getEntry(key, { timeout })
      return {
        kind: 'read',
        found: entry === undefined ? undefined : { value: text(entry.value), revision: entry.revision },
      }
    }
    const options = { timeout, ...conditionOptions(action.condition) }
    if (action.kind === 'delete') return { kind: 'deleted', existed: await this.#client.del(key, options) }
    const { revision } = await this.#client.put(key, action.value, options)
    return { kind: 'written', revision }
  }

  /** Rethrows what is no answer of the cluster. */
  #troubled(error: unknown, what: string): 'none' | 'unknown' {
    if (!(error instanceof FlotillaError)) throw error
    if (!TROUBLE.has(error.code)) this.#complain(`${what} (native): ${error.code} ${error.message}`)
    return error.outcome === 'none' ? 'none' : 'unknown'
  }
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}

function conditionOptions(condition: Condition): { ifRevision?: number; ifAbsent?: boolean } {
  switch (condition.kind) {
    case 'none':
      return {}
    case 'absent':
      return { ifAbsent: true }
    case 'revision':
      return { ifRevision: condition.revision }
    case 'exists':
      throw new Error('the native client has no such condition')
  }
}
