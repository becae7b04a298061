/**
 * The one bus of a process: takes what is emitted, and hands it to outputs in batches, later. Emitting costs a look into a set for what nobody wants, and
 * a push into a bounded queue for what somebody does; it never waits. An output that cannot keep up loses events, and is told how many.
 */
import {
  type Clock,
  EVENT_CATALOGUE,
  type EventRecord,
  type EventSink,
  eventDefinition,
  type LogLevel,
} from '../../base/index.ts'
import { LEVEL_RANK } from '../levels.ts'
import type { Event, EventOutput, EventSubscription } from './event.ts'

export interface EventBusOptions {
  /** Whose events `emit` takes. */
  readonly store: string
  readonly clock: Clock
  readonly outputs?: readonly EventSubscription[]
  /** Events that wait for one output. */
  readonly queueMax?: number
}

export interface EventBusStats {
  readonly emitted: number
  readonly dropped: number
  readonly outputFailures: number
}

/** An emitted event on its way; its text is made when an output takes it. */
interface Waiting {
  readonly record: EventRecord
  readonly level: LogLevel
  readonly store: string
  readonly sequence: number
  readonly wallMs: number
}

interface Outlet extends EventSubscription {
  rankMin: number
  readonly queue: Waiting[]
  dropped: number
  isBusy: boolean
  /** It failed, and the others know: they hear of it again when it has worked in between. */
  isBroken: boolean
}

/** A few seconds of a very talkative process; some megabytes. */
const QUEUE_MAX = 8192
const BATCH_MAX = 512
/** How long closing waits for an output that does not answer. */
const CLOSE_MS_MAX = 2_000

export class EventBus implements EventSink {
  readonly #store: string
  readonly #clock: Clock
  readonly #queueMax: number
  readonly #beginning: string
  #outlets: readonly Outlet[] = []
  #wanted: ReadonlySet<string> = new Set()
  #customRankMin = Number.POSITIVE_INFINITY
  #sequence = 0
  #isDraining = false
  #dropped = 0
  #failures = 0
  #whenIdle: (() => void)[] = []

  constructor(options: EventBusOptions) {
    this.#store = options.store
    this.#clock = options.clock
    this.#queueMax = options.queueMax ?? QUEUE_MAX
    this.#beginning = Math.floor(options.clock.wallMs()).toString(36)
    for (const subscription of options.outputs ?? []) this.add(subscription)
  }

  get stats(): EventBusStats {
    return { emitted: this.#sequence, dropped: this.#dropped, outputFailures: this.#failures }
  }

  /** From now on the output gets events too; the answer ends that, without closing the output. */
  add(subscription: EventSubscription): () => void {
    const outlet: Outlet = {
      ...subscription,
      rankMin: LEVEL_RANK[subscription.level ?? 'info'],
      queue: [],
      dropped: 0,
      isBusy: false,
      isBroken: false,
    }
    this.#outlets = [...this.#outlets, outlet]
    this.#recount()
    return () => {
      this.#outlets = this.#outlets.filter((other) => other !== outlet)
      this.#recount()
    }
  }

  /** From now on the output, which was added before, gets this level and above. */
  setLevel(output: EventOutput, level: LogLevel): void {
    for (const outlet of this.#outlets) if (outlet.output === output) outlet.rankMin = LEVEL_RANK[level]
    this.#recount()
  }

  wants(type: string): boolean {
    return this.#wanted.has(type)
  }

  emit(record: EventRecord): void {
    this.#take(record, this.#store)
  }

  /** The sink of another store in the same process. */
  of(store: string): EventSink {
    return { emit: (record) => this.#take(record, store), wants: (type) => this.wants(type) }
  }

  /** Resolves when everything emitted so far is with the outputs. */
  async flush(): Promise<void> {
    this.#drain()
    while (this.#outlets.some((outlet) => outlet.isBusy || outlet.queue.length > 0)) {
      await new Promise<void>((resolve) => {
        this.#whenIdle.push(resolve)
      })
    }
  }

  /** Hands over what waits and closes the outputs; an output that hangs is left behind. */
  async close(): Promise<void> {
    const ended = this.flush().then(() => Promise.all(this.#outlets.map(({ output }) => output.close?.())))
    const impatience = new Promise<void>((resolve) => {
      this.#clock.after(CLOSE_MS_MAX, resolve)
    })
    await Promise.race([ended, impatience])
    this.#outlets = []
    this.#recount()
  }

  #take(record: EventRecord, store: string): void {
    const definition = eventDefinition(record.type)
    const level = record.level ?? definition?.level
    if (level === undefined) return
    const rank = LEVEL_RANK[level]
    // An occurrence may weigh more than its type: then the set does not know.
    if (!this.#wanted.has(record.type) && (definition?.level === level || rank < this.#customRankMin)) return
    const waiting: Waiting = { record, level, store, sequence: ++this.#sequence, wallMs: this.#clock.wallMs() }
    for (const outlet of this.#outlets) {
      const isMeant =
        outlet.types === undefined
          ? rank >= outlet.rankMin && definition?.isFrequent !== true
          : outlet.types.includes(record.type)
      if (!isMeant) continue
      if (outlet.queue.length < this.#queueMax) outlet.queue.push(waiting)
      else {
        outlet.dropped++
        this.#dropped++
      }
    }
    // The process may be about to end: outputs that write at once shall have it.
    if (level === 'error') this.#drain()
    else this.#schedule()
  }

  #schedule(): void {
    if (this.#isDraining) return
    this.#isDraining = true
    this.#clock.soon(() => {
      this.#isDraining = false
      this.#drain()
    })
  }

  #drain(): void {
    for (const outlet of this.#outlets) this.#pump(outlet)
  }

  /** Gives an output what waits for it, as long as it takes that at once. */
  #pump(outlet: Outlet): void {
    while (!outlet.isBusy && (outlet.queue.length > 0 || outlet.dropped > 0)) {
      const events = outlet.queue.splice(0, BATCH_MAX).map((waiting) => this.#complete(waiting))
      if (outlet.dropped > 0 && outlet.queue.length === 0) events.push(this.#confession(outlet))
      outlet.isBusy = true
      try {
        const written = outlet.output.write(events)
        if (written === undefined) {
          outlet.isBusy = false
          outlet.isBroken = false
        } else this.#await(outlet, written)
      } catch (error) {
        // An output is foreign code or a disk; neither may end the store.
        outlet.isBusy = false
        this.#failed(outlet, error)
      }
    }
    if (!outlet.isBusy) for (const resolve of this.#whenIdle.splice(0)) resolve()
  }

  #await(outlet: Outlet, written: Promise<void>): void {
    written
      .then(
        () => {
          outlet.isBroken = false
        },
        // An output is foreign code or a disk; neither may end the store.
        (error: unknown) => this.#failed(outlet, error),
      )
      .then(() => {
        outlet.isBusy = false
        this.#pump(outlet)
      })
  }

  #failed(failing: Outlet, error: unknown): void {
    this.#failures++
    if (failing.isBroken) return
    failing.isBroken = true
    // Told to the others: told to itself, a broken output would never be done.
    const record: EventRecord = {
      type: 'event_output_failed',
      data: { output: failing.output.name, error: error instanceof Error ? error.message : String(error) },
    }
    const waiting: Waiting = {
      record,
      level: EVENT_CATALOGUE.event_output_failed.level,
      store: this.#store,
      sequence: ++this.#sequence,
      wallMs: this.#clock.wallMs(),
    }
    for (const outlet of this.#outlets) {
      const isDeaf = outlet === failing || outlet.types !== undefined || LEVEL_RANK.warn < outlet.rankMin
      if (!isDeaf && outlet.queue.length < this.#queueMax) outlet.queue.push(waiting)
    }
    this.#schedule()
  }

  #confession(outlet: Outlet): Event {
    const count = outlet.dropped
    outlet.dropped = 0
    return this.#complete({
      record: { type: 'events_dropped', data: { output: outlet.output.name, count } },
      level: EVENT_CATALOGUE.events_dropped.level,
      store: this.#store,
      sequence: ++this.#sequence,
      wallMs: this.#clock.wallMs(),
    })
  }

  #complete({ record, level, store, sequence, wallMs }: Waiting): Event {
    const { type, group, term, index, peer, traceId, data } = record
    return {
      id: `${this.#beginning}-${sequence}`,
      ts: new Date(wallMs).toISOString(),
      level,
      type,
      store,
      ...(group === undefined ? {} : { group }),
      ...(term === undefined ? {} : { term }),
      ...(index === undefined ? {} : { index }),
      ...(peer === undefined ? {} : { peer }),
      ...(traceId === undefined ? {} : { traceId }),
      ...(data === undefined ? {} : { data }),
    }
  }

  #recount(): void {
    const wanted = new Set<string>()
    let customRankMin = Number.POSITIVE_INFINITY
    for (const outlet of this.#outlets) {
      for (const type of outlet.types ?? []) wanted.add(type)
      if (outlet.types !== undefined) continue
      customRankMin = Math.min(customRankMin, outlet.rankMin)
      for (const [type, { level, isFrequent }] of Object.entries(EVENT_CATALOGUE)) {
        if (!isFrequent && LEVEL_RANK[level] >= outlet.rankMin) wanted.add(type)
      }
    }
    this.#wanted = wanted
    this.#customRankMin = customRankMin
  }
}
