/** The RPC log of a store process, as its settings want it now: it is opened, closed and opened with other bounds while the store runs. */
import path from 'node:path'
import type { Clock, EventSink, RpcKind, RpcRecorder } from '../base/index.ts'
import { type Call, type CallFilter, type CallStats, RpcLog } from '../observe/index.ts'
import type { Config } from './config/index.ts'

const FOLDER = 'rpc-log'

export class SwitchedRpcLog implements RpcRecorder {
  readonly #clock: Clock
  readonly #events: EventSink
  #log: RpcLog | undefined
  #recorder: RpcRecorder | undefined
  #maxRows = 0
  #isClosed = false
  /** Changes are made one after the other. */
  #changing: Promise<void> = Promise.resolve()

  constructor(clock: Clock, events: EventSink) {
    this.#clock = clock
    this.#events = events
  }

  get isOn(): boolean {
    return this.#log !== undefined
  }

  get rows(): number {
    return this.#log?.rows ?? 0
  }

  get dropped(): number {
    return this.#log?.dropped ?? 0
  }

  // On the hot path: the arguments are written out, because a rest parameter is an array per message.
  note(
    kind: RpcKind,
    peer: string,
    group: number,
    term: number,
    index: number,
    entries: number,
    bytes: number,
    failed: boolean,
  ): void {
    this.#recorder?.note(kind, peer, group, term, index, entries, bytes, failed)
  }

  stamp(): void {
    this.#recorder?.stamp()
  }

  async query(filter: CallFilter, limit: number): Promise<Call[]> {
    return (await this.#log?.query(filter, limit)) ?? []
  }

  /** Empty while it is switched off. */
  async stats(filter: CallFilter): Promise<CallStats | Record<string, never>> {
    return (await this.#log?.stats(filter)) ?? {}
  }

  /** Rejects with the file system's error when the directory cannot be used; the store then goes on without a log. */
  configure(config: Config): Promise<void> {
    const change = this.#changing.then(() => this.#change(config))
    this.#changing = change.catch((error: unknown) => {
      this.#events.emit({ type: 'rpc_log_failed', data: { error: String(error) } })
    })
    return change
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#changing
    await this.#end()
  }

  async #change({ store, storage, observability }: Config): Promise<void> {
    const { enabled, maxRows } = observability.rpcLog
    const wanted = enabled && !this.#isClosed ? maxRows : 0
    if (wanted === this.#maxRows) return
    await this.#end()
    if (wanted === 0) return
    this.#log = await RpcLog.open({
      store: store.id,
      clock: this.#clock,
      directory: storage.engine === 'memory' ? undefined : path.join(store.dir, FOLDER),
      maxRows: wanted,
      onFailure: (error) => this.#events.emit({ type: 'rpc_log_failed', data: { error: error.message } }),
    })
    this.#maxRows = wanted
    this.#recorder = this.#log.recorder
  }

  async #end(): Promise<void> {
    const log = this.#log
    this.#log = undefined
    this.#recorder = undefined
    this.#maxRows = 0
    await log?.close()
  }
}
