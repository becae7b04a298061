/** The checker of schemas finds what is wrong: a walk over all routes with one that finds nothing would prove nothing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SchemaChecker } from '../support/json-schema.ts'

const PERSON = {
  type: 'object',
  properties: {
    name: { type: 'string', description: 'a name' },
    age: { type: 'integer', minimum: 0, maximum: 150 },
    kind: { enum: ['a', 'b'] },
    friend: { anyOf: [{ $ref: '#/components/schemas/Person' }, { type: 'null' }] },
    tags: { type: 'array', items: { type: 'string' }, maxItems: 2 },
    ok: { const: true },
  },
  required: ['name'],
  additionalProperties: false,
}
const NAMES = {
  type: 'object',
  propertyNames: { enum: ['x', 'y'] },
  additionalProperties: { type: ['number', 'null'] },
}
const checker = new SchemaChecker({ Person: PERSON })

test('what fits has no faults', () => {
  const friend = { name: 'b', friend: null, tags: ['x', 'y'], ok: true }
  assert.deepEqual(
    checker.faults({ $ref: '#/components/schemas/Person' }, { name: 'a', age: 3, kind: 'b', friend }),
    [],
  )
  assert.deepEqual(checker.faults(NAMES, { x: 1, y: null }), [])
})

test('each kind of fault is told with its place', () => {
  const faultsOf = (value: unknown): string => checker.faults(PERSON, value).join('; ')
  assert.match(faultsOf([]), /^\$: is array, not object$/)
  assert.match(faultsOf({}), /^\$: has no name$/)
  assert.match(faultsOf({ name: 'a', age: 1.5 }), /^\$\.age: is number, not integer$/)
  assert.match(faultsOf({ name: 'a', age: -1 }), /^\$\.age: is below 0$/)
  assert.match(faultsOf({ name: 'a', age: 151 }), /^\$\.age: is above 150$/)
  assert.match(faultsOf({ name: 'a', kind: 'c' }), /^\$\.kind: is "c", none of/)
  assert.match(faultsOf({ name: 'a', friend: { name: 1 } }), /^\$\.friend\.name: is number, not string; \$\.friend: is/)
  assert.match(faultsOf({ name: 'a', tags: ['x', 1] }), /^\$\.tags\[1\]: is number/)
  assert.match(faultsOf({ name: 'a', tags: ['x', 'y', 'z'] }), /has more than 2 items/)
  assert.match(faultsOf({ name: 'a', ok: false }), /^\$\.ok: is false, not true$/)
  assert.match(faultsOf({ name: 'a', nick: 'b' }), /^\$: has nick, which the schema does not know$/)
  assert.match(checker.faults(NAMES, { z: 1 }).join(), /the name z: is "z"/)
  assert.match(checker.faults(NAMES, { x: '1' }).join(), /^\$\.x: is string, not number,null$/)
  assert.match(checker.faults({ $ref: '#/components/schemas/None' }, 1).join(), /is not there$/)
  assert.throws(() => checker.faults({ pattern: '^a$' }, 'b'), /pattern is not known/)
})
