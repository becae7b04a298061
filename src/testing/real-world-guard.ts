/**
 * Closes the real world while a simulation runs: whoever then asks the machine for time, chance or a timer gets an error that names the leak.
 * A simulation with a leak would not repeat, and would not notice.
 */
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { performance } from 'node:perf_hooks'
import timers from 'node:timers'
import { assert } from '../base/index.ts'

type Holder = Record<string, unknown>

/** Where the real world can be reached, by holder and name. */
const DOORS: readonly (readonly [string, Holder, readonly string[]])[] = [
  ['global', globalThis as unknown as Holder, ['setTimeout', 'setInterval', 'setImmediate', 'Date']],
  ['node:timers', timers as unknown as Holder, ['setTimeout', 'setInterval', 'setImmediate']],
  ['Math', Math as unknown as Holder, ['random']],
  ['performance', performance as unknown as Holder, ['now']],
  ['process', process as unknown as Holder, ['hrtime', 'uptime']],
  [
    'node:crypto',
    crypto as unknown as Holder,
    ['randomBytes', 'randomInt', 'randomUUID', 'randomFillSync', 'randomFill'],
  ],
  ['webcrypto', crypto.webcrypto as unknown as Holder, ['getRandomValues', 'randomUUID']],
]

let isClosed = false

/** Returns how to open it again. One simulation at a time. */
export function closeRealWorld(): () => void {
  assert(!isClosed, 'one simulation at a time in a process: another one runs')
  isClosed = true
  const undo: (() => void)[] = []
  for (const [where, holder, names] of DOORS) {
    for (const name of names) {
      const original = Object.getOwnPropertyDescriptor(holder, name)
      const leak = function leak(): never {
        throw new Error(`a simulation reached the real world: ${where}.${name}`)
      }
      // A Date made of a given time is a pure value; only "now" is the real world's.
      const value = name === 'Date' ? dateWithoutNow(leak) : leak
      Object.defineProperty(holder, name, { value, configurable: true, writable: true })
      undo.push(() => {
        if (original === undefined) delete holder[name]
        else Object.defineProperty(holder, name, original)
      })
    }
  }
  syncBuiltinESMExports()
  return () => {
    for (const restore of undo) restore()
    syncBuiltinESMExports()
    isClosed = false
  }
}

function dateWithoutNow(leak: () => never): DateConstructor {
  return new Proxy(Date, {
    construct: (target, words) => (words.length === 0 ? leak() : Reflect.construct(target, words)),
    apply: leak,
    get: (target, name) => (name === 'now' ? leak : Reflect.get(target, name)),
  })
}
