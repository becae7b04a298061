import type { StoreId } from '../../shard-map/index.ts'
import { decodeReply, encodeRequest, type Reply, type Request } from '../protocol/index.ts'
import type { ReplicaId } from '../raft/index.ts'
import { UNKNOWN_GROUP } from '../storage/index.ts'
import type { Store } from './store.ts'

/**
 * Tells replicas that cannot have been here before this process from those that can. It matters only where the log lost something that nobody can attribute: what
 * was lost may have been the votes of any replica that has no log here now, and such a replica must not begin again.
 *
 * Ids of replicas are given out by the placement driver, one after the other, through the log of group 1. So one id that it gives out to this process parts
 * them: whatever has a higher one was given it later, after the damage, and nothing of it can have been lost. The id itself stays unused. Nothing is asked
 * by a store whose log is sound. Whoever hears the driver calls `ask`; `Births` wants to know `isLater`.
 */
type Host = Pick<Store, 'id' | 'damaged' | 'options' | 'request'>

const ANSWER_TIMEOUT_MS = 3_000
const REQUEST: Request = { kind: 'allocate-ids', count: 1 }

export class IdFence {
  readonly #host: Host
  #fence: ReplicaId | undefined
  #isAsking = false

  constructor(host: Host) {
    this.#host = host
  }

  /** Whether the replica got its id after this process began, and so cannot have lost anything that it wrote here. False as long as nobody knows. */
  isLater(replica: ReplicaId): boolean {
    return this.#fence !== undefined && replica > this.#fence
  }

  /** Asks the store that acts as the placement driver for the id, where one is needed and there is none yet. */
  ask(driver: StoreId): void {
    const { id, damaged, options } = this.#host
    if (this.#fence !== undefined || this.#isAsking || !damaged.has(UNKNOWN_GROUP)) return
    this.#isAsking = true
    if (driver === id) {
      this.#host.request(REQUEST, ANSWER_TIMEOUT_MS, (reply) => this.#answered(reply))
      return
    }
    options.transport.request(driver, encodeRequest(REQUEST), ANSWER_TIMEOUT_MS, (answer) => {
      const reply = typeof answer === 'string' ? undefined : decodeReply(answer)
      this.#answered(reply?.ok === true ? reply.value : undefined)
    })
    options.transport.flush()
  }

  #answered(reply: Reply | undefined): void {
    this.#isAsking = false
    if (reply?.kind === 'allocate-ids') this.#fence = reply.first
  }
}
