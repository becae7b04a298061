/**
 * Virtual time and everything that will happen in it: events ordered by (time, sequence). It knows nothing of stores, networks or disks; it
 * asks only whether the process an event belongs to is alive and awake. Each event that runs goes into the trace hash, so that two runs
 * that agree in the hash did the same things at the same times.
 *
 * Between two events the promises that the first one settled must have run to their end: whoever drives `step` sees to it (`turns.ts`).
 */
import { TraceHash } from './trace-hash.ts'

/** What an event brings: the order in which a process that slept meets them. */
export type EventKind = 'arrival' | 'soon' | 'timer' | 'world'

const KIND_CODES = { arrival: 1, soon: 2, timer: 3, world: 4 } as const satisfies Record<EventKind, number>

/** The process that an event belongs to. */
export interface EventOwner {
  /** Counts processes of one simulation; part of the trace. */
  readonly number: number
  readonly isAlive: boolean
  /** Asleep (SIGSTOP) until then. */
  readonly pausedUntilUs: number
  /** Keeps the event for when the process wakes. */
  defer(event: ScheduledEvent): void
}

export class ScheduledEvent {
  timeUs: number
  sequence: number
  readonly kind: EventKind
  readonly owner: EventOwner | undefined
  /** What tells this event from others of its kind, for the trace hash. */
  readonly detail: number
  run: (() => void) | undefined

  constructor(
    timeUs: number,
    sequence: number,
    kind: EventKind,
    owner: EventOwner | undefined,
    detail: number,
    run: () => void,
  ) {
    this.timeUs = timeUs
    this.sequence = sequence
    this.kind = kind
    this.owner = owner
    this.detail = detail
    this.run = run
  }

  cancel(): void {
    this.run = undefined
  }
}

export interface TimelineHooks {
  /** The event and all promises it settled have run. */
  afterEvent(owner: EventOwner | undefined): void
  /** An event threw. */
  onError(owner: EventOwner | undefined, error: unknown): void
}

export class Timeline {
  readonly hash = new TraceHash()
  /** Events that ran. */
  events = 0
  readonly #heap: ScheduledEvent[] = []
  readonly #hooks: TimelineHooks
  #nowUs = 0
  #sequence = 0
  #current: EventOwner | undefined
  #isStarted = false

  constructor(hooks: TimelineHooks) {
    this.#hooks = hooks
  }

  /** Microseconds since the simulation began; always whole. */
  get nowUs(): number {
    return this.#nowUs
  }

  /** Whose event runs, or ran last: to whom a rejected promise belongs. */
  get current(): EventOwner | undefined {
    return this.#current
  }

  /** `delayUs` is rounded up to a whole number and is at least 0. */
  schedule(
    delayUs: number,
    kind: EventKind,
    owner: EventOwner | undefined,
    run: () => void,
    detail = 0,
  ): ScheduledEvent {
    const event = new ScheduledEvent(
      this.#nowUs + Math.max(0, Math.ceil(delayUs)),
      this.#sequence++,
      kind,
      owner,
      detail,
      run,
    )
    push(this.#heap, event)
    return event
  }

  /** Puts back an event that waited for its process to wake. */
  reschedule(event: ScheduledEvent, delayUs: number): void {
    event.timeUs = this.#nowUs + delayUs
    event.sequence = this.#sequence++
    push(this.#heap, event)
  }

  /** Runs the next event; false when there is none. */
  step(): boolean {
    if (this.#isStarted) this.#hooks.afterEvent(this.#current)
    this.#isStarted = true
    for (;;) {
      const event = pop(this.#heap)
      if (event === undefined) return false
      const { run, owner } = event
      if (run === undefined || owner?.isAlive === false) continue
      this.#nowUs = event.timeUs
      if (owner !== undefined && owner.pausedUntilUs > this.#nowUs) {
        owner.defer(event)
        continue
      }
      this.#current = owner
      this.events++
      const { hash } = this
      hash.add(event.timeUs)
      hash.add((owner?.number ?? 0) * 8 + KIND_CODES[event.kind])
      if (event.detail !== 0) hash.add(event.detail)
      try {
        run()
      } catch (error) {
        // What an event of a process throws ends that process, as it would end a real one; the owner of the timeline judges.
        this.#hooks.onError(owner, error)
      }
      return true
    }
  }
}

function isBefore(one: ScheduledEvent, other: ScheduledEvent): boolean {
  return one.timeUs < other.timeUs || (one.timeUs === other.timeUs && one.sequence < other.sequence)
}

function push(heap: ScheduledEvent[], event: ScheduledEvent): void {
  let at = heap.length
  heap.push(event)
  while (at > 0) {
    const parentAt = (at - 1) >> 1
    const parent = heap[parentAt] as ScheduledEvent
    if (!isBefore(event, parent)) break
    heap[at] = parent
    at = parentAt
  }
  heap[at] = event
}

function pop(heap: ScheduledEvent[]): ScheduledEvent | undefined {
  const first = heap[0]
  const last = heap.pop()
  if (first === undefined || last === undefined || first === last) return first
  const { length } = heap
  let at = 0
  for (;;) {
    let childAt = 2 * at + 1
    if (childAt >= length) break
    const right = heap[childAt + 1]
    let child = heap[childAt] as ScheduledEvent
    if (right !== undefined && isBefore(right, child)) {
      child = right
      childAt++
    }
    if (!isBefore(child, last)) break
    heap[at] = child
    at = childAt
  }
  heap[at] = last
  return first
}
