/** The main thread's end of an export that a worker runs: a queue of chunks, refilled by returning a credit for each one taken. */
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { assert } from '../../base/index.ts'
import { DataStoreError, type KeyRange, type SnapshotExport } from '../data-store.ts'
import { engineError } from '../engine-error.ts'
import type { GroupId } from '../log-store.ts'
import type { ExportTask, TaskOutcome, ToMain, ToWorker } from './worker-protocol.ts'

/** Runs the task in a worker; resolves when it has ended. */
export type RunExport = (task: Pick<ExportTask, 'group' | 'range' | 'port'>) => Promise<TaskOutcome>

interface Waiter<T> {
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
}

export class WorkerExport implements SnapshotExport {
  readonly state: Promise<Uint8Array>
  /** Resolves, and never rejects, when nothing of the export is left in the worker. */
  readonly ended: Promise<void>
  #stateWaiter: Waiter<Uint8Array> | undefined
  #chunkWaiter: Waiter<Uint8Array | undefined> | undefined
  readonly #chunks: Uint8Array[] = []
  #port: MessagePort | undefined
  #complete = false
  #failure: DataStoreError | undefined

  constructor(group: GroupId, range: KeyRange, ready: Promise<void>, run: RunExport) {
    this.state = new Promise((resolve, reject) => {
      this.#stateWaiter = { resolve, reject }
    })
    // A caller may learn of a failure from `next` alone; an unobserved `state` must not end the process.
    this.state.catch(() => {})
    this.ended = this.#run(group, range, ready, run)
  }

  next(): Promise<Uint8Array | undefined> {
    assert(this.#chunkWaiter === undefined, 'one call of next at a time')
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    const chunk = this.#chunks.shift()
    if (chunk !== undefined) {
      this.#say({ kind: 'credit' })
      return Promise.resolve(chunk)
    }
    if (this.#complete) return Promise.resolve(undefined)
    return new Promise((resolve, reject) => {
      this.#chunkWaiter = { resolve, reject }
    })
  }

  cancel(): void {
    if (this.#complete && this.#chunks.length === 0) return
    this.#fail(new DataStoreError('CANCELLED', 'the export of the snapshot was cancelled'))
    this.#say({ kind: 'cancel' })
  }

  async #run(group: GroupId, range: KeyRange, ready: Promise<void>, run: RunExport): Promise<void> {
    try {
      await ready
      if (this.#failure !== undefined) return
      const { port1, port2 } = new MessageChannel()
      this.#port = port1
      const ended = new Promise<void>((resolve) => {
        port1.on('message', (message: ToMain) => {
          this.#receive(message)
          if (message.kind === 'end') resolve()
        })
      })
      // The task itself ends around then; alone it says nothing, unless the worker died and will never send its last message.
      const task = run({ group, range, port: port2 })
      await Promise.race([ended, task.then(() => ended)])
      await task
    } catch (error) {
      // A failed flush or a dead worker belongs to the caller of `next`.
      this.#fail(engineError(error, 'export a snapshot'))
    } finally {
      this.#port?.close()
      this.#port = undefined
    }
  }

  #receive(message: ToMain): void {
    if (this.#failure !== undefined) return
    switch (message.kind) {
      case 'state':
        this.#stateWaiter?.resolve(message.state)
        break
      case 'chunk': {
        const waiter = this.#chunkWaiter
        if (waiter === undefined) {
          this.#chunks.push(message.chunk)
          break
        }
        this.#chunkWaiter = undefined
        this.#say({ kind: 'credit' })
        waiter.resolve(message.chunk)
        break
      }
      case 'end':
        this.#end(message.complete, message.outcome)
        break
    }
  }

  #end(complete: boolean, outcome: TaskOutcome): void {
    if (!outcome.ok) {
      this.#fail(new DataStoreError(outcome.code, outcome.message))
      return
    }
    // Only `cancel` makes a worker stop early, and that has failed this export before.
    assert(complete, 'an export that nobody cancelled is complete')
    this.#complete = true
    this.#chunkWaiter?.resolve(undefined)
    this.#chunkWaiter = undefined
  }

  #fail(error: DataStoreError): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    this.#chunks.length = 0
    this.#stateWaiter?.reject(error)
    this.#chunkWaiter?.reject(error)
    this.#chunkWaiter = undefined
  }

  #say(message: ToWorker): void {
    this.#port?.postMessage(message)
  }
}
