import type { StoreId } from '../../shard-map/index.ts'
import { decodeReply, encodeRequest, type Reply, type Request } from '../protocol/index.ts'
import type { ReplicaId } from '../raft/index.ts'
import { UNKNOWN_GROUP } from '../storage/index.ts'
import type { Store } from './store.ts'

/**
 * Tells replicas that may have lost what they had promised here from those that cannot. It matters only where the log lost something that nobody can attribute: what
 * was lost may have been the votes of any replica that has no log here now, and such a replica must not begin again.
 *
 * Ids of replicas are given out by the placement driver, one after the other, through the log of group 1. So one id that it gives out after the damage was
 * found parts them: whatever has a higher one was given it later, and nothing of it can have been lost. The id itself stays unused. Nothing is asked by a
 * store whose log is sound. Whoever hears the driver calls `ask`; `Births` wants to know `lossOf`.
 *
 * The id is kept as the replica of a log of its own, of the group that stands for those that nobody knows. So the log itself says which damage it covers:
 * 1. what was lost before that log began is covered, because a beginning makes all older damage of a group harmless; 2. a replica with a higher id
 * begins after it and stands behind it; 3. damage behind it is damage of that log too, so the next process finds none and asks anew.
 */
type Host = Pick<Store, 'id' | 'state' | 'damaged' | 'options' | 'request' | 'loop'>

const ANSWER_TIMEOUT_MS = 3_000
const REQUEST: Request = { kind: 'allocate-ids', count: 1 }

export class IdFence {
  readonly #host: Host
  readonly #settled: () => void
  #isAsking = false

  /** `settled`: the damage that nobody can attribute concerns nobody but those that `lossOf` names, and is not to be shown as damage any more. */
  constructor(host: Host, settled: () => void) {
    this.#host = host
    this.#settled = settled
  }

  /** Why a replica without a log may have had one here; undefined when it cannot. */
  lossOf(replica: ReplicaId): string | undefined {
    const { damaged, options } = this.#host
    const unknown = damaged.get(UNKNOWN_GROUP)
    if (unknown !== undefined) return unknown
    const fence = options.log.groups().get(UNKNOWN_GROUP)?.replica
    if (fence === undefined || replica > fence) return undefined
    return `the log lost something before replica id ${fence} was given out, and nothing says whose it was`
  }

  /** Asks the store that acts as the placement driver for the id, where one is needed and there is none yet. */
  ask(driver: StoreId): void {
    const { id, damaged, options } = this.#host
    if (this.#isAsking || !damaged.has(UNKNOWN_GROUP)) return
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
    const { state, damaged, options, loop } = this.#host
    if (reply?.kind !== 'allocate-ids' || state !== 'running' || !damaged.has(UNKNOWN_GROUP)) return
    const { log, logger } = options
    log.destroy(UNKNOWN_GROUP)
    log.create(UNKNOWN_GROUP, reply.first, { index: 0, term: 0 })
    this.#settled()
    loop.writeSoon()
    logger.log('info', `what the log lost can concern replicas up to id ${reply.first} only`, { replica: reply.first })
  }
}
