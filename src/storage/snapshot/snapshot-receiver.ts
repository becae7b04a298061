/**
 * Receives a snapshot: verifies each chunk as it comes and appends it to a staging file. It never touches the engine; `finish` leaves a durable, verified
 * file behind, and whoever installs it owns that file from then on.
 */
import { assert } from '../../base/index.ts'
import { DataStoreError } from '../data-store.ts'
import type { GroupId } from '../log-store.ts'
import { damaged } from './format.ts'
import type { Staging, StagingWriter } from './staging.ts'
import { SnapshotVerifier } from './verifier.ts'

export class SnapshotReceiver {
  readonly #staging: Staging
  readonly #file: string
  readonly #verifier: SnapshotVerifier
  #writer: StagingWriter | undefined
  #status: 'receiving' | 'finished' | 'released' | 'ended' = 'receiving'
  #failure: unknown
  /** Calls run one after the other, whatever the caller awaits. */
  #tail: Promise<unknown> = Promise.resolve()

  constructor(staging: Staging, file: string, group: GroupId) {
    this.#staging = staging
    this.#file = file
    this.#verifier = new SnapshotVerifier(group)
  }

  get finished(): boolean {
    return this.#status === 'finished'
  }

  write(chunk: Uint8Array): Promise<void> {
    return this.#inOrder(async () => {
      if (this.#verifier.complete) throw damaged('a chunk came after the trailer')
      this.#verifier.accept(chunk)
      this.#writer ??= await this.#staging.create(this.#file)
      await this.#writer.append(chunk)
    })
  }

  finish(): Promise<Uint8Array> {
    return this.#inOrder(async () => {
      if (!this.#verifier.complete || this.#writer === undefined) throw damaged('it ends without a trailer')
      await this.#writer.sync()
      await this.#writer.close()
      this.#writer = undefined
      this.#status = 'finished'
      return this.#verifier.state()
    })
  }

  /** Hands the finished file over to an install. */
  release(): string {
    assert(this.#status === 'finished', `a snapshot is installed once, after finish, not when ${this.#status}`)
    this.#status = 'released'
    return this.#file
  }

  async cancel(): Promise<void> {
    if (this.#status === 'released' || this.#status === 'ended') return
    this.#status = 'ended'
    await this.#tail
    await this.#writer?.close()
    await this.#staging.remove(this.#file)
  }

  #inOrder<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(async () => {
      if (this.#status === 'ended') throw new DataStoreError('CANCELLED', 'the import of the snapshot was cancelled')
      assert(this.#status === 'receiving', `a snapshot takes chunks until finish, not when ${this.#status}`)
      if (this.#failure !== undefined) throw this.#failure
      return await run()
    })
    this.#tail = result.catch((error: unknown) => {
      // The caller has the rejection; here it only makes every later call fail the same way.
      this.#failure = error
    })
    return result
  }
}
