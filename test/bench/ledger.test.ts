/** The judge of reads: planted violations are caught, legal histories are not accused, and both agree with the definition. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Ledger, type ReadTicket, type ReadValue, type Verdict } from '../../bench/load/index.ts'

const KEY = 0
const own = (write: number): ReadValue => ({ kind: 'own', key: KEY, write })
const ticket = (): ReadTicket => ({ floor: 0, overlapping: undefined })

function read(ledger: Ledger, value: ReadValue | undefined): Verdict {
  const started = ticket()
  ledger.readStarted(KEY, started)
  return ledger.readSettled(KEY, started, value)
}

function acknowledged(ledger: Ledger): number {
  const write = ledger.writeStarted(KEY)
  ledger.writeSettled(KEY, write, 'applied')
  return write
}

test('an overwritten value is stale', () => {
  const ledger = new Ledger(1)
  const first = acknowledged(ledger)
  const second = acknowledged(ledger)
  assert.equal(read(ledger, own(first)), 'stale')
  assert.equal(read(ledger, own(second)), 'ok')
})

test('a read that began before the acknowledgement may miss the write', () => {
  const ledger = new Ledger(1)
  const first = acknowledged(ledger)
  const second = ledger.writeStarted(KEY)
  const started = ticket()
  ledger.readStarted(KEY, started)
  ledger.writeSettled(KEY, second, 'applied')
  assert.equal(ledger.readSettled(KEY, started, own(first)), 'ok')
  assert.equal(read(ledger, own(first)), 'stale')
})

test('overlapping writes may take effect in either order', () => {
  const ledger = new Ledger(1)
  const first = ledger.writeStarted(KEY)
  const second = ledger.writeStarted(KEY)
  ledger.writeSettled(KEY, second, 'applied')
  ledger.writeSettled(KEY, first, 'applied')
  assert.equal(read(ledger, own(second)), 'ok')
  assert.equal(read(ledger, own(first)), 'ok')
})

test('an absent value after an acknowledged write is lost; before, it is not', () => {
  const ledger = new Ledger(1)
  assert.equal(read(ledger, undefined), 'ok')
  acknowledged(ledger)
  assert.equal(read(ledger, undefined), 'lost')
})

test('a write with an unknown outcome may appear late, once', () => {
  const ledger = new Ledger(1)
  const lost = ledger.writeStarted(KEY)
  ledger.writeSettled(KEY, lost, 'unknown')
  const known = acknowledged(ledger)
  assert.equal(read(ledger, own(known)), 'ok')
  assert.equal(read(ledger, own(lost)), 'ok')
  const next = acknowledged(ledger)
  assert.equal(read(ledger, own(next)), 'ok')
  // It was seen before `next` began, so `next` has overwritten it.
  assert.equal(read(ledger, own(lost)), 'stale')
})

test('a value once read is known applied: older ones are stale without any acknowledgement', () => {
  const ledger = new Ledger(1)
  const first = acknowledged(ledger)
  const second = ledger.writeStarted(KEY)
  assert.equal(read(ledger, own(second)), 'ok')
  assert.equal(read(ledger, own(first)), 'stale')
})

test('a write reported as not applied must not appear', () => {
  const ledger = new Ledger(1)
  const refused = ledger.writeStarted(KEY)
  ledger.writeSettled(KEY, refused, 'none')
  assert.equal(read(ledger, own(refused)), 'phantom')
})

test("another key's value, one that was never written and damaged bytes are corrupt", () => {
  const ledger = new Ledger(2)
  const write = acknowledged(ledger)
  assert.equal(read(ledger, { kind: 'own', key: 1, write }), 'corrupt')
  assert.equal(read(ledger, own(write + 1)), 'corrupt')
  assert.equal(read(ledger, { kind: 'corrupt', reason: 'planted' }), 'corrupt')
})

test('a value of an earlier run is right until this run has written', () => {
  const ledger = new Ledger(1)
  assert.equal(read(ledger, { kind: 'foreign' }), 'ok')
  acknowledged(ledger)
  assert.equal(read(ledger, { kind: 'foreign' }), 'stale')
})

/** What happens next in a random history on one key; numbers pick among the open operations. */
type Step =
  | { readonly do: 'start-write' | 'start-read' }
  | { readonly do: 'acknowledge' | 'forget' | 'apply'; readonly pick: number }
  | { readonly do: 'read'; readonly pick: number; readonly value: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('start-write' as const, 'start-read' as const) }),
  fc.record({ do: fc.constantFrom('acknowledge' as const, 'forget' as const, 'apply' as const), pick: fc.nat(20) }),
  fc.record({ do: fc.constant('read' as const), pick: fc.nat(20), value: fc.nat(20) }),
)

interface WriteHistory {
  readonly number: number
  readonly startedAt: number
  /** When it was known applied; infinite while it is not. */
  knownAt: number
  settled: boolean
}

test('the verdicts on random reads are those of the definition', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const ledger = new Ledger(1)
      const writes: WriteHistory[] = []
      const reads: { ticket: ReadTicket; startedAt: number }[] = []
      for (const [now, next] of steps.entries()) {
        if (next.do === 'start-write') {
          writes.push({
            number: ledger.writeStarted(KEY),
            startedAt: now,
            knownAt: Number.POSITIVE_INFINITY,
            settled: false,
          })
        } else if (next.do === 'start-read') {
          const started = ticket()
          ledger.readStarted(KEY, started)
          reads.push({ ticket: started, startedAt: now })
        } else if (next.do === 'acknowledge' || next.do === 'forget') {
          const open = writes.filter((write) => !write.settled)
          const write = open[next.pick % Math.max(1, open.length)]
          if (write === undefined) continue
          write.settled = true
          ledger.writeSettled(KEY, write.number, next.do === 'acknowledge' ? 'applied' : 'unknown')
          if (next.do === 'acknowledge') write.knownAt = Math.min(write.knownAt, now)
        } else if (next.do === 'read' && reads.length > 0 && writes.length > 0) {
          const [begun] = reads.splice(next.pick % reads.length, 1)
          const returned = writes[next.value % writes.length]
          if (begun === undefined || returned === undefined) continue
          const verdict = ledger.readSettled(KEY, begun.ticket, own(returned.number))
          const overwritten = writes.some(
            (other) => other.knownAt < begun.startedAt && other.startedAt > returned.knownAt,
          )
          assert.equal(verdict, overwritten ? 'stale' : 'ok')
          if (!overwritten) returned.knownAt = Math.min(returned.knownAt, now)
        }
      }
    }),
    { numRuns: 3000 },
  )
})

test('an atomic register is never accused', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const ledger = new Ledger(1)
      let register: number | undefined
      const writes: { number: number; applied: boolean; settled: boolean }[] = []
      const reads: { ticket: ReadTicket; value: number | undefined; sampled: boolean }[] = []
      for (const next of steps) {
        if (next.do === 'start-write') {
          writes.push({ number: ledger.writeStarted(KEY), applied: false, settled: false })
        } else if (next.do === 'start-read') {
          const started = ticket()
          ledger.readStarted(KEY, started)
          reads.push({ ticket: started, value: undefined, sampled: false })
        } else if (next.do === 'apply') {
          // Also after the outcome was given up as unknown: it may take effect at any later time.
          const pending = writes.filter((write) => !write.applied)
          const write = pending[next.pick % Math.max(1, pending.length)]
          if (write !== undefined) {
            write.applied = true
            register = write.number
          }
          const sample = reads[next.pick % Math.max(1, reads.length)]
          if (sample !== undefined) Object.assign(sample, { value: register, sampled: true })
        } else if (next.do === 'acknowledge' || next.do === 'forget') {
          const open = writes.filter((write) => !write.settled && (next.do === 'forget' || write.applied))
          const write = open[next.pick % Math.max(1, open.length)]
          if (write === undefined) continue
          write.settled = true
          ledger.writeSettled(KEY, write.number, next.do === 'acknowledge' ? 'applied' : 'unknown')
        } else if (next.do === 'read' && reads.length > 0) {
          const [begun] = reads.splice(next.pick % reads.length, 1)
          if (begun === undefined) continue
          const value = begun.sampled ? begun.value : register
          assert.equal(ledger.readSettled(KEY, begun.ticket, value === undefined ? undefined : own(value)), 'ok')
        }
      }
    }),
    { numRuns: 3000 },
  )
})
