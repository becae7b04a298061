/** While a simulation runs, the real world is closed: whoever asks for it is told so, and afterwards all is as before. */
import assert from 'node:assert/strict'
import * as crypto from 'node:crypto'
import { test } from 'node:test'
import { closeRealWorld } from '../../src/testing/real-world-guard.ts'

const DOORS: Readonly<Record<string, () => unknown>> = {
  'Date.now': () => Date.now(),
  'new Date': () => new Date(),
  'Math.random': () => Math.random(),
  'performance.now': () => performance.now(),
  setTimeout: () => setTimeout(() => {}, 0),
  setImmediate: () => setImmediate(() => {}),
  setInterval: () => setInterval(() => {}, 1),
  'crypto.randomBytes': () => crypto.randomBytes(4),
  'crypto.randomInt': () => crypto.randomInt(4),
  'crypto.randomUUID': () => crypto.randomUUID(),
  'process.hrtime': () => process.hrtime(),
}

test('every door to the real world is closed, and opens again', () => {
  const open = closeRealWorld()
  const letThrough: string[] = []
  const stillPure = new Date(0).getTime()
  try {
    for (const [name, enter] of Object.entries(DOORS)) {
      try {
        enter()
        letThrough.push(name)
      } catch (error) {
        if (!(error instanceof Error && error.message.startsWith('a simulation reached the real world'))) throw error
      }
    }
    assert.throws(closeRealWorld, /one simulation at a time/)
  } finally {
    open()
  }
  assert.deepEqual(letThrough, [])
  assert.equal(stillPure, 0)
  assert(Date.now() > 0 && Math.random() >= 0)
})
