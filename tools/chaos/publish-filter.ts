/**
 * Reads what a client says to a NATS broker and leaves out messages to chosen subjects, so that frames between two particular stores can be lost
 * though all of them share one broker. Everything else passes byte for byte. It knows of the protocol only how publications are framed:
 * `PUB <subject> [reply] <size>`, `HPUB` likewise with two sizes of which the last counts, then the payload and CR LF.
 */
const NEWLINE = 0x0a
const END_BYTES = 2

export class PublishFilter {
  readonly #isLost: (subject: string) => boolean
  /** The beginning of a line of which the end has not come. */
  #line: Buffer = Buffer.alloc(0)
  /** Bytes of the payload that are still to come. */
  #payloadBytes = 0
  #isLosing = false
  lost = 0

  constructor(isLost: (subject: string) => boolean) {
    this.#isLost = isLost
  }

  /** What of these bytes goes on, in order and in as few pieces as may be. */
  pass(bytes: Buffer): Buffer[] {
    const passed: Buffer[] = []
    let at = 0
    /** From here to `at` everything goes on. */
    let keptFrom = 0
    const leaveOut = (until: number): void => {
      if (keptFrom < at) passed.push(bytes.subarray(keptFrom, at))
      keptFrom = until
    }
    while (at < bytes.length) {
      if (this.#payloadBytes > 0) {
        const until = Math.min(bytes.length, at + this.#payloadBytes)
        this.#payloadBytes -= until - at
        if (this.#isLosing) leaveOut(until)
        at = until
        continue
      }
      const end = bytes.indexOf(NEWLINE, at)
      if (end < 0) {
        // A line is judged when it is whole; until then it waits here.
        this.#line = Buffer.concat([this.#line, bytes.subarray(at)])
        leaveOut(bytes.length)
        break
      }
      const until = end + 1
      if (this.#line.length > 0) {
        const line = Buffer.concat([this.#line, bytes.subarray(at, until)])
        this.#line = Buffer.alloc(0)
        leaveOut(until)
        if (this.#reads(line)) passed.push(line)
      } else if (!this.#reads(bytes.subarray(at, until))) {
        leaveOut(until)
      }
      at = until
    }
    if (keptFrom < at) passed.push(bytes.subarray(keptFrom, at))
    return passed
  }

  /** Whether the line goes on. */
  #reads(line: Buffer): boolean {
    // P or H: only publications have a payload.
    if (line[0] !== 0x50 && line[0] !== 0x48) return true
    const [verb, subject = '', ...sizes] = line.toString('latin1').trim().split(' ')
    if (verb !== 'PUB' && verb !== 'HPUB') return true
    this.#payloadBytes = Number(sizes.at(-1)) + END_BYTES
    this.#isLosing = this.#isLost(subject)
    if (this.#isLosing) this.lost++
    return !this.#isLosing
  }
}
