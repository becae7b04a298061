/** A chaos client's way to the cluster through the client of embedding programs, over NATS straight to the stores. */
import { FlotillaError } from '../../src/protocol/index.ts'
import type { connect } from '../../src/server/index.ts'
import type { Action, Outcome } from '../../src/testing/check/index.ts'
import { Judge } from '../cluster/judge.ts'
import { keyBytes } from './keys.ts'
import { type BatchStep, EXCUSED, type Target } from './target.ts'

type Client = Awaited<ReturnType<typeof connect>>

export class NativeTarget implements Target {
  readonly asksForPages = false
  readonly #client: Client
  readonly #timeout: number
  readonly #judge: Judge

  constructor(client: Client, timeoutMs: number, complain: (what: string) => void) {
    this.#client = client
    this.#timeout = timeoutMs
    this.#judge = new Judge(complain, EXCUSED)
  }

  perform(key: string, action: Action): Promise<Outcome> {
    return this.#judge.perform(this.#client, keyBytes(key), action, this.#timeout, `${action.kind} ${key} (native)`)
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
        if (!result.ok) return { kind: this.#judge.refused(result.error, 'a step of a batch (native)') }
        const { revision = 0, value } = result
        if (action.kind === 'put') return { kind: 'written', revision }
        if (action.kind === 'delete') return { kind: 'deleted', existed: result.deleted === 1 }
        return { kind: 'read', found: value === undefined ? undefined : { value: text(value), revision } }
      })
    } catch (error) {
      if (!(error instanceof FlotillaError)) throw error
      const kind = this.#judge.refused(error, 'batch (native)')
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
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8')
}
