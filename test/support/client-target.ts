/** A workload's way to a cluster through the client that embedders use. */
import type { Client } from '../../src/client/index.ts'
import type { Action, Outcome } from '../../src/testing/index.ts'
import { Judge } from '../../tools/cluster/judge.ts'
import type { Target } from './workload.ts'

export class ClientTarget implements Target {
  readonly complaints: string[] = []
  readonly #judge = new Judge((what) => this.complaints.push(what), ['UNAVAILABLE'])
  readonly #client: Client
  readonly #timeout: number

  constructor(client: Client, timeoutMs = 9_500) {
    this.#client = client
    this.#timeout = timeoutMs
  }

  perform(key: string, action: Action): Promise<Outcome> {
    return this.#judge.perform(this.#client, key, action, this.#timeout, `${action.kind} ${key}`)
  }

  close(): void {
    // The client belongs to the test.
  }
}
