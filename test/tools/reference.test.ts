/** What is generated and committed is what the catalogues say now. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { referencePages } from '../../tools/reference/pages.ts'

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..')

for (const [name, text] of referencePages()) {
  test(`${name} is current`, () => {
    assert.equal(readFileSync(path.join(ROOT, name), 'utf8'), text, 'run: npm run reference')
  })
}
