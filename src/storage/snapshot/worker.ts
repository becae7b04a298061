/**
 * The entry file of a snapshot worker: each exported function is one task, called by Piscina by name. A task opens the LevelDB database that the
 * main thread holds open (same process, same native handle), works, and closes its handle. No state is kept between tasks.
 */
import { LIMITS } from '../../base/index.ts'
import { LevelKvStore, type LevelOptions } from '../level/index.ts'
import { destroyRange, installRange } from './range-changer.ts'
import { RangeExporter } from './range-exporter.ts'
import { FileStaging } from './staging.ts'
import { standBack } from './worker-priority.ts'
import {
  type DestroyTask,
  type ExportTask,
  failed,
  type InstallTask,
  READ_AHEAD_CHUNKS,
  type TaskOutcome,
  type ToMain,
  type ToWorker,
} from './worker-protocol.ts'

standBack()

/** Nobody else needs this thread's loop to turn. */
const noPause = async (): Promise<void> => {}

export async function exportRange(task: ExportTask): Promise<TaskOutcome> {
  let complete = false
  const outcome = await attempt('export a snapshot', task.database, async (kv) => {
    complete = await sendChunks(task, kv)
  })
  // The port and the task's own answer are two channels without an order, so the port says itself when it is through.
  send(task, { kind: 'end', complete, outcome }, [])
  task.port.close()
  return outcome
}

/** Answers whether the reader took everything. */
async function sendChunks(task: ExportTask, kv: LevelKvStore): Promise<boolean> {
  const credits = new Credits(task)
  const exporter = await RangeExporter.open(kv, { ...task, blockBytes: LIMITS.snapshotChunkBytes })
  try {
    const { state } = exporter
    send(task, { kind: 'state', state }, [])
    while (await credits.take()) {
      const chunk = await exporter.next()
      if (chunk === undefined) return true
      // The chunk owns its buffer, so handing the buffer over costs no copy.
      send(task, { kind: 'chunk', chunk }, [chunk.buffer as ArrayBuffer])
    }
    return false
  } finally {
    await exporter.close()
  }
}

export async function installSnapshot(task: InstallTask): Promise<TaskOutcome> {
  const staging = new FileStaging(task.stagingDirectory)
  return await attempt('install a snapshot', task.database, (kv) => {
    return installRange(kv, staging, task.group, task.marker, noPause)
  })
}

export async function destroyGroup(task: DestroyTask): Promise<TaskOutcome> {
  return await attempt('delete the data of a group', task.database, (kv) => {
    return destroyRange(kv, task.group, task.range, noPause)
  })
}

async function attempt(
  doing: string,
  options: LevelOptions,
  run: (kv: LevelKvStore) => Promise<void>,
): Promise<TaskOutcome> {
  try {
    const kv = await LevelKvStore.open(options)
    try {
      await run(kv)
    } finally {
      await kv.close()
    }
    return { ok: true }
  } catch (error) {
    // Whatever failed is the main thread's business, which gets it as a value.
    return failed(error, doing)
  }
}

function send(task: ExportTask, message: ToMain, transfer: readonly ArrayBuffer[]): void {
  task.port.postMessage(message, transfer)
}

/** Counts how many chunks may still be sent; a reader that waits makes the export wait. */
class Credits {
  #credits = READ_AHEAD_CHUNKS
  #cancelled = false
  #wake: (() => void) | undefined

  constructor(task: ExportTask) {
    task.port.on('message', (message: ToWorker) => {
      if (message.kind === 'credit') this.#credits++
      else this.#cancelled = true
      this.#wake?.()
    })
    task.port.on('close', () => {
      this.#cancelled = true
      this.#wake?.()
    })
  }

  /** Waits for a credit and takes it; false when the export is cancelled. */
  async take(): Promise<boolean> {
    while (this.#credits === 0 && !this.#cancelled) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    this.#credits--
    return !this.#cancelled
  }
}
