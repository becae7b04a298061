/**
 * Random keys, operations and commands for property tests: few distinct keys, so that operations meet.
 */
import fc from 'fast-check'
import type { KvCommand, KvCondition, KvOperation } from '../../src/machine/index.ts'

export const key: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('a', 'b', 'c', 'd'),
  fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => String.fromCharCode(...bytes)),
  fc.integer({ min: 1, max: 4096 }).map((length) => 'k\u00ff'.repeat(2048).slice(0, length)),
)

export const condition: fc.Arbitrary<KvCondition> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<KvCondition>({ kind: 'none' }) },
  { weight: 1, arbitrary: fc.constantFrom<KvCondition>({ kind: 'absent' }, { kind: 'exists' }) },
  {
    weight: 1,
    arbitrary: fc
      .oneof(fc.integer({ min: 0, max: 20 }), fc.constant(Number.MAX_SAFE_INTEGER))
      .map((revision): KvCondition => ({ kind: 'revision', revision })),
  },
)

/** Operations on the given keys. */
export function operationOn(keys: fc.Arbitrary<string>): fc.Arbitrary<KvOperation> {
  return fc.oneof(
    fc.record({
      kind: fc.constant('put' as const),
      key: keys,
      value: fc.uint8Array({ maxLength: 300 }),
      condition,
    }),
    fc.record({ kind: fc.constant('delete' as const), key: keys, condition }),
    fc.record({ kind: fc.constant('get' as const), key: keys }),
  )
}

export const epoch = fc.integer({ min: 0, max: 0xffff_ffff })

export const command: fc.Arbitrary<KvCommand> = fc.oneof(
  fc.record({
    kind: fc.constant('operations' as const),
    rangeEpoch: epoch,
    atomic: fc.boolean(),
    operations: fc.array(operationOn(key), { maxLength: 6 }),
  }),
  fc.record({
    kind: fc.constant('delete-range' as const),
    rangeEpoch: epoch,
    start: fc.oneof(fc.constant(''), key),
    end: fc.option(key, { nil: undefined }),
    keysMax: fc.integer({ min: 1, max: 512 }),
  }),
)
