/** Subjects, the index and the route table against the definition: every subscription tried one by one. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { RouteTable } from '../../src/broker/route-table.ts'
import {
  hasWildcard,
  isValidPublishSubject,
  isValidSubscriptionSubject,
  subjectMatches,
} from '../../src/broker/subject.ts'
import type { Subscriber, Subscription } from '../../src/broker/subscription.ts'
import { SubscriptionIndex } from '../../src/broker/subscription-index.ts'

const subscriber: Subscriber = { acceptsHeaders: true, wantsEcho: true, deliver() {}, finish() {} }

let nextSid = 0
function subscription(subject: string, queue?: string): Subscription {
  return { subscriber, sid: `${nextSid++}`, subject, queue, delivered: 0, deliveredMax: 0, closed: false }
}

const token = fc.constantFrom('a', 'b', 'c', '__proto__', 'a*', '>b')
const literal = fc.array(token, { minLength: 1, maxLength: 4 }).map((tokens) => tokens.join('.'))
const pattern = fc
  .tuple(fc.array(fc.oneof(token, fc.constant('*')), { minLength: 0, maxLength: 4 }), fc.boolean())
  .map(([tokens, isTail]) => (isTail || tokens.length === 0 ? [...tokens, '>'] : tokens).join('.'))

describe('subjects', () => {
  test('well formed or not', () => {
    for (const subject of ['a', 'a.b', '*', '>', 'a.*.b', 'a.>', 'a*.b>', '$SYS.x', '*.*']) {
      assert.ok(isValidSubscriptionSubject(subject), subject)
    }
    for (const subject of ['', '.', '.a', 'a.', 'a..b', '>.', '>.a', 'a.>.b']) {
      assert.ok(!isValidSubscriptionSubject(subject), subject)
    }
    for (const subject of ['a.*', 'a.>', '*', '>', '', 'a..b']) assert.ok(!isValidPublishSubject(subject), subject)
    for (const subject of ['a', 'a*.b', 'a.>b']) assert.ok(isValidPublishSubject(subject), subject)
    assert.ok(hasWildcard('a.*') && hasWildcard('>') && !hasWildcard('a*.>b'))
  })

  test('examples of matching', () => {
    const matches: [string, string, boolean][] = [
      ['a', 'a', true],
      ['a', 'a.b', false],
      ['*', 'a', true],
      ['*', 'a.b', false],
      ['a.*', 'a', false],
      ['>', 'a.b.c', true],
      ['a.>', 'a', false],
      ['a.>', 'a.b.c', true],
      ['*.b.>', 'a.b', false],
      ['*.b.>', 'a.b.c', true],
    ]
    for (const [each, subject, expected] of matches) {
      assert.equal(subjectMatches(each, subject), expected, `${each} and ${subject}`)
    }
  })
})

describe('the subscription index and the route table', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('add' as const), subject: pattern, queue: fc.constantFrom(undefined, 'q', 'r') }),
    fc.record({ kind: fc.constant('remove' as const), which: fc.nat() }),
    fc.record({ kind: fc.constant('look' as const), subject: literal }),
  )

  test('find what trying each one finds, after any history', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.constantFrom(1, 4, 1000), (steps, subjectsMax) => {
        const index = new SubscriptionIndex()
        const routes = new RouteTable(subjectsMax)
        const all: Subscription[] = []
        for (const each of steps) {
          if (each.kind === 'add') {
            const added = subscription(each.subject, each.queue)
            all.push(added)
            index.add(added)
            routes.add(added)
          } else if (each.kind === 'remove') {
            const [removed] = all.length > 0 ? all.splice(each.which % all.length, 1) : []
            if (removed === undefined) continue
            index.remove(removed)
            routes.remove(removed)
          } else {
            const expected = new Set(all.filter(({ subject }) => subjectMatches(subject, each.subject)))
            const found = index.match(each.subject)
            assert.deepEqual(new Set(found), expected)
            assert.equal(found.length, expected.size, 'none twice')
            const { plain, groups } = routes.routeOf(each.subject)
            assert.deepEqual(new Set(plain), new Set([...expected].filter(({ queue }) => queue === undefined)))
            for (const queue of ['q', 'r']) {
              const members = groups.filter((group) => group.members[0]?.queue === queue)
              const wanted = [...expected].filter((candidate) => candidate.queue === queue)
              assert.equal(members.length, wanted.length === 0 ? 0 : 1)
              assert.deepEqual(new Set(members[0]?.members ?? []), new Set(wanted))
            }
          }
          assert.equal(index.size, all.length)
          assert.equal(routes.subscriptions, all.length)
        }
      }),
      { numRuns: 400 },
    )
  })

  test('a new pattern is seen by every subject that was remembered before, recent or not', () => {
    const routes = new RouteTable(4)
    const subjects = ['a.1', 'a.2', 'a.3', 'a.4']
    for (const subject of subjects) assert.deepEqual(routes.routeOf(subject).plain, [])
    const added = subscription('a.*')
    routes.add(added)
    for (const subject of subjects) assert.deepEqual(routes.routeOf(subject).plain, [added], subject)
    routes.remove(added)
    for (const subject of subjects) assert.deepEqual(routes.routeOf(subject).plain, [], subject)
  })

  test('a subject with an empty token matches nothing', () => {
    const index = new SubscriptionIndex()
    index.add(subscription('>'))
    index.add(subscription('*.*'))
    for (const subject of ['', '.', 'a.', '.a', 'a..b']) assert.deepEqual(index.match(subject), [])
  })

  test('a subject of thousands of tokens is no trouble', () => {
    const index = new SubscriptionIndex()
    const deep = Array.from({ length: 2000 }, () => '*').join('.')
    const added = subscription(deep)
    index.add(added)
    assert.deepEqual(index.match(Array.from({ length: 2000 }, () => 'a').join('.')), [added])
    index.remove(added)
    assert.equal(index.size, 0)
  })

  test('removing what is not there is a programmer error', () => {
    const index = new SubscriptionIndex()
    assert.throws(() => index.remove(subscription('a.b')), { name: 'AssertionFailure' })
  })
})
