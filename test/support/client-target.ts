/** A workload's way to a cluster through the client that embedders use. */
import type { Client, WriteOptions } from '../../src/client/index.ts'
import { FlotillaError } from '../../src/protocol/index.ts'
import type { Action, Condition, Outcome } from '../../src/testing/index.ts'
import { type Target, TROUBLE } from './workload.ts'

export class ClientTarget implements Target {
  readonly complaints: string[] = []
  readonly #client: Client
  readonly #timeout: number

  constructor(client: Client, timeoutMs = 9_500) {
    this.#client = client
    this.#timeout = timeoutMs
  }

  async perform(key: string, action: Action): Promise<Outcome> {
    try {
      return await this.#act(key, action)
    } catch (error) {
      if (!(error instanceof FlotillaError)) throw error
      if (error.code === 'PRECONDITION_FAILED') return { kind: 'refused', revision: error.revision ?? undefined }
      if (!TROUBLE.has(error.code)) this.complaints.push(`${action.kind} ${key}: ${error.code} ${error.message}`)
      return error.outcome === 'none' ? { kind: 'none' } : { kind: 'unknown' }
    }
  }

  close(): void {
    // The client belongs to the test.
  }

  async #act(key: string, action: Action): Promise<Outcome> {
    const timeout = this.#timeout
    if (action.kind === 'get') {
      const entry = await this.#client.getEntry(key, { timeout })
      if (entry === undefined) return { kind: 'read', found: undefined }
      return { kind: 'read', found: { value: Buffer.from(entry.value).toString('utf8'), revision: entry.revision } }
    }
    const options = { timeout, ...conditionOptions(action.condition) }
    if (action.kind === 'delete') return { kind: 'deleted', existed: await this.#client.del(key, options) }
    const { revision } = await this.#client.put(key, action.value, options)
    return { kind: 'written', revision }
  }
}

function conditionOptions(condition: Condition): WriteOptions {
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
