/**
 * Something that was fetched, or is on its way, or failed; the last good value stays when a later fetch fails. One fetch at a time: who asks while one
 * is under way gets that one.
 */
import { asFailure, type Failure } from '../api/client.ts'

export class Loaded<Value> {
  value: Value | undefined
  failure: Failure | undefined
  readonly #fetch: () => Promise<Value>
  readonly #redraw: () => void
  #pending: Promise<void> | undefined

  constructor(redraw: () => void, fetch: () => Promise<Value>) {
    this.#redraw = redraw
    this.#fetch = fetch
  }

  load(): Promise<void> {
    this.#pending ??= this.#load().finally(() => {
      this.#pending = undefined
      this.#redraw()
    })
    return this.#pending
  }

  async #load(): Promise<void> {
    try {
      this.value = await this.#fetch()
      this.failure = undefined
    } catch (error) {
      this.failure = asFailure(error)
    }
  }
}
