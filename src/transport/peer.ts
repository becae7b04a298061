/**
 * One process that this one talks with, by its address: which instance of it is known, and its streams. Created when something is first
 * sent to it or heard of it, forgotten when it was silent for long. Decides nothing.
 */
import { CHANNELS, type Channel } from './channels.ts'
import type { Stream } from './stream.ts'

export class Peer {
  readonly address: string
  /** The instance last heard of; 0 when none was. */
  session = 0
  /** When a frame of it came last, or when it was first sent something. */
  heardMs: number
  /** Requests of it that were handed on and are not answered yet. */
  owedAnswers = 0
  /** Somebody here sent it a request: then it is worth learning when it is back. */
  isAsked = false
  /**
   * `silent`: asked for a sign of life in vain. `left`: its present instance said goodbye. Both end when it is heard of again, the latter only
   * by another instance.
   */
  absence: 'none' | 'silent' | 'left' = 'none'
  readonly #streams: (Stream | undefined)[] = CHANNELS.map(() => undefined)

  constructor(address: string, nowMs: number) {
    this.address = address
    this.heardMs = nowMs
  }

  stream(channel: Channel): Stream | undefined {
    return this.#streams[channel]
  }

  setStream(stream: Stream): void {
    this.#streams[stream.channel] = stream
  }

  /** Those that exist. */
  streams(): Stream[] {
    return this.#streams.filter((stream) => stream !== undefined)
  }
}
