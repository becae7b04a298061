/** One transport's connection to a `MemoryHub`. It is open while the hub runs. */
import { LIMITS } from '../../base/index.ts'
import { CHANNELS, channelLetter, channelName } from '../channels.ts'
import type { Wire } from '../wire.ts'
import type { HubMember, MemoryHub, MemoryLink } from './memory-hub.ts'

export class MemoryWire implements Wire, HubMember {
  readonly payloadBytesMax = LIMITS.frameBytesMax
  readonly #hub: MemoryHub
  readonly #address: string
  readonly #links = new Map<string, MemoryLink>()
  readonly #subjects: string[] = []
  #onChange: (() => void) | undefined
  #isOpen: boolean
  #isClosed = false

  constructor(hub: MemoryHub, address: string) {
    this.#hub = hub
    this.#address = address
    this.#isOpen = hub.isUp
    hub.join(this)
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  publish(subject: string, bytes: Uint8Array): boolean {
    if (!this.#isOpen) return false
    let link = this.#links.get(subject)
    if (link === undefined) {
      link = linkFor(this.#address, subject)
      this.#links.set(subject, link)
    }
    this.#hub.publish(link, bytes)
    return true
  }

  subscribe(subject: string, deliver: (bytes: Uint8Array) => void): void {
    this.#subjects.push(subject)
    this.#hub.subscribe(subject, deliver)
  }

  watch(onChange: () => void): void {
    this.#onChange = onChange
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#isOpen = false
    this.#hub.leave(this)
    for (const subject of this.#subjects) this.#hub.unsubscribe(subject)
  }

  onHubChange(): void {
    if (this.#isClosed || this.#isOpen === this.#hub.isUp) return
    this.#isOpen = this.#hub.isUp
    this.#onChange?.()
  }
}

function linkFor(from: string, subject: string): MemoryLink {
  const [, , letter, to = ''] = subject.split('.')
  const channel = CHANNELS.find((each) => channelLetter(each) === letter)
  return { from, to, channel: channelName(channel ?? 0), subject, delayed: [] }
}
