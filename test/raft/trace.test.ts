/** What the core tells about itself: a trace must not say what did not happen. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { append, TestNode } from './harness/test-node.ts'

test('only a write that was overwritten is called superseded, not one that is reported twice', () => {
  const superseded: string[] = []
  const node = new TestNode({
    options: {
      asyncStorage: true,
      trace: (event) => {
        if (event.kind === 'write-superseded') superseded.push(`${event.term}/${event.index}`)
      },
    },
  })
  node.step(append(2, 1, 1, [0, 0], [1]))
  const first = node.takeReady().append
  // The same entries again, while they are being written: the answer asks for the same acknowledgement.
  node.step(append(2, 1, 1, [0, 0], [1]))
  const again = node.takeReady().append
  assert.ok(first && again?.ack)
  node.finishWrite(first)
  node.finishWrite(again)
  assert.deepEqual(superseded, [])
  node.step(append(2, 1, 1, [1, 1], [1]))
  const lost = node.takeReady().append
  node.step(append(3, 1, 2, [1, 1], [2]))
  const kept = node.takeReady().append
  assert.ok(lost && kept)
  node.finishWrite(lost)
  node.finishWrite(kept)
  assert.deepEqual(superseded, ['1/2'])
})
