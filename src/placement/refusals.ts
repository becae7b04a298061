import type { PlanRefusal } from '../../shard-map/index.ts'
import { type ErrorValue, errorValue } from '../protocol/index.ts'

/** What the placement driver says when it does not do what it was asked: the planners' reasons as errors with their cures. */
export function planRefused({ code, message }: PlanRefusal, shard?: number): ErrorValue {
  const subject = shard === undefined ? {} : { shard }
  switch (code) {
    case 'shard-unknown':
      return errorValue('SHARD_NOT_FOUND', message, { hint: 'flotilla shard ls', retryable: false })
    case 'store-unknown':
      return errorValue('STORE_NOT_FOUND', message, { hint: 'flotilla store ls' })
    case 'shard-busy':
      return errorValue('OPERATOR_CONFLICT', message, {
        ...subject,
        hint: 'wait for it (flotilla operator wait ID) or cancel it (flotilla operator cancel ID)',
      })
    case 'in-joint':
    case 'store-not-up':
      return errorValue('OPERATOR_CONFLICT', message, { ...subject, hint: 'flotilla store ls' })
    case 'store-limit':
    case 'too-soon':
      return errorValue('OPERATOR_CONFLICT', message, { ...subject, hint: 'ask again when other operators have ended' })
    case 'no-leader':
      return errorValue('NO_LEADER', message, subject)
    case 'no-room':
      return errorValue('INVALID_ARGUMENT', message, { ...subject, hint: 'choose another store, or free disk space' })
    case 'below-replication-factor':
      return errorValue('INVALID_ARGUMENT', message, {
        ...subject,
        hint: 'there must be somewhere else for the replicas: flotilla store ls',
      })
    case 'no-neighbour':
      return errorValue('INVALID_ARGUMENT', message, { ...subject, hint: 'only neighbours merge: flotilla shard map' })
    case 'bad-split-key':
      return errorValue('INVALID_ARGUMENT', message, {
        ...subject,
        hint: 'name a key inside of the shard, as flotilla shard show says it is',
      })
    case 'map-full':
      return errorValue('INVALID_ARGUMENT', message, {
        ...subject,
        hint: 'let small neighbours merge (placement.merge.bytes), and let shards grow larger before they are split (placement.split.bytes)',
      })
    case 'already-there':
    case 'not-there':
    case 'not-a-voter':
    case 'replica-unfit':
    case 'not-a-data-shard':
    case 'single-hot-key':
    case 'no-samples':
    case 'too-big':
    case 'too-busy':
    case 'worse-isolation':
    case 'no-target':
    case 'nothing-to-do':
      return errorValue('INVALID_ARGUMENT', message, {
        ...subject,
        hint: shard === undefined ? 'flotilla shard ls' : `flotilla shard show ${shard}`,
      })
  }
}
