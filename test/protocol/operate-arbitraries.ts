/** Random requests of people to the placement driver, and random operators in every state. */
import fc from 'fast-check'
import { SCHEDULERS } from '../../shard-map/index.ts'
import type { OperateRequest } from '../../src/protocol/index.ts'
import { key } from '../shard-map/arbitraries.ts'

const shard = fc.nat()
const store = fc.string()
const dryRun = fc.boolean()
const name = fc.stringMatching(/^[a-z]{1,8}(\.[a-z]{1,8}){0,3}$/)

export const settings = fc.array(fc.tuple(name, fc.oneof(fc.nat(), fc.boolean(), fc.string(), fc.constant(null))), {
  maxLength: 5,
})

const hand = fc.oneof(
  fc.record({ kind: fc.constant('move' as const), shard, from: store, to: store }),
  fc.record({
    kind: fc.constant('add-replica' as const),
    shard,
    store,
    role: fc.constantFrom('voter' as const, 'learner' as const),
  }),
  fc.record({ kind: fc.constantFrom('remove-replica' as const, 'transfer-leader' as const), shard, store }),
  fc.record(
    { kind: fc.constant('split' as const), shard, key, policy: fc.constantFrom('size' as const, 'load' as const) },
    { requiredKeys: ['kind', 'shard'] },
  ),
  fc.record({ kind: fc.constant('merge' as const), shard, with: shard }, { requiredKeys: ['kind', 'shard'] }),
)

export const operate: fc.Arbitrary<OperateRequest> = fc.oneof(
  fc.record({ what: fc.constant('start' as const), request: hand, dryRun }),
  fc.record({
    what: fc.constantFrom(
      'list-operators' as const,
      'list-schedulers' as const,
      'hot' as const,
      'show-settings' as const,
      'settings-history' as const,
    ),
  }),
  fc.record({
    what: fc.constantFrom('show-operator' as const, 'cancel-operator' as const),
    operator: fc.string(),
  }),
  fc.record({
    what: fc.constantFrom('drain' as const, 'decommission' as const, 'recommission' as const),
    store,
    dryRun,
  }),
  fc.record({ what: fc.constantFrom('forget-store' as const, 'explain-store' as const), store }),
  fc.record({ what: fc.constant('explain-shard' as const), shard }),
  fc.record({
    what: fc.constant('register-store' as const),
    store,
    address: fc.string(),
    labels: fc.dictionary(name, fc.string(), { noNullPrototype: true }),
  }),
  fc.record({
    what: fc.constant('label-store' as const),
    store,
    labels: fc.dictionary(name, fc.option(fc.string()), { noNullPrototype: true }),
  }),
  fc.record({ what: fc.constant('rebalance' as const), dryRun }),
  fc.record({ what: fc.constant('snapshot' as const), shard: fc.option(shard, { nil: undefined }), dryRun }),
  fc.record({ what: fc.constant('compact' as const), shard, dryRun }),
  fc.record({
    what: fc.constant('pause-scheduler' as const),
    scheduler: fc.constantFrom(...SCHEDULERS),
    seconds: fc.option(fc.nat(), { nil: undefined }),
  }),
  fc.record(
    { what: fc.constant('configure' as const), settings, expectedVersion: fc.nat(), by: fc.string() },
    { requiredKeys: ['what', 'settings'] },
  ),
)
