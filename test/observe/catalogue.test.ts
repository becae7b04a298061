/** The catalogue of events: complete, well-formed, and nothing in it that nobody emits. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { EVENT_CATALOGUE, eventDefinition } from '../../src/base/index.ts'

const SOURCES = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..', 'src')

test('the catalogue has at least 45 types, each in snake_case with a sentence', () => {
  const all = Object.entries(EVENT_CATALOGUE)
  assert.ok(all.length >= 45, `${all.length} types`)
  for (const [type, { meaning, data }] of all) {
    assert.match(type, /^[a-z]+(?:_[a-z]+)*$/)
    assert.match(meaning, /^[A-Z][^|]+\.$/, `${type}: ${meaning}`)
    for (const field of Object.keys(data)) assert.match(field, /^[a-z][A-Za-z]*$/)
  }
  assert.equal(eventDefinition('toString'), undefined)
})

/** Their emitters name them in pieces. */
const COMPOSED = ['transport_open', 'transport_reconnecting', 'transport_closed']

test('every type is emitted somewhere', () => {
  const texts = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('event-catalogue.ts'))
    .map((name) => readFileSync(path.join(SOURCES, name), 'utf8'))
    .join('\n')
  const silent = Object.entries(EVENT_CATALOGUE)
    .filter(([type]) => !COMPOSED.includes(type) && !texts.includes(`'${type}'`))
    .map(([type]) => type)
  assert.deepEqual(silent, [])
})
