/** The files of the console as the gateway serves them: who may have them, what protects them, and that nothing else is served. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { before, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { buildConsole } from '../support/browser.ts'
import { checkProblem, startHarness } from './harness.ts'

before(buildConsole)

test('the page and its files need no token and are guarded by a strict policy', async (t) => {
  const digest = createHash('sha256').update('secret').digest()
  const h = await startHarness(t, { tokens: [{ name: 'one', digest, role: 'admin', prefixes: [] }] })
  const page = await h.ask('/console')
  assert.equal(page.status, 200)
  assert.equal(page.headers['content-type'], 'text/html; charset=utf-8')
  const text = page.body.toString('utf8')
  const names = [...text.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, name = '']) => name)
  assert.ok(names.includes('console/main.js') && names.length > 20, names.join(' '))
  assert.doesNotMatch(text, /<script[^>]*>[^<]|<style|\son\w+=|https?:/)
  for (const name of names) {
    const file = await h.ask(`/${name}`)
    assert.equal(file.status, 200, name)
    const policy = String(file.headers['content-security-policy'])
    for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"]) {
      assert.ok(policy.includes(part), `${name}: ${policy}`)
    }
    assert.doesNotMatch(policy, /unsafe|\*|data:/)
    assert.equal(file.headers['x-content-type-options'], 'nosniff')
    assert.match(String(file.headers['content-type']), /^(text\/(css|javascript); charset=utf-8|image\/svg\+xml)$/)
  }
})

test('a file that did not change is not sent again, and one that is sent is compressed', async (t) => {
  const h = await startHarness(t)
  const plain = await h.ask('/console/main.js')
  const gzipped = await h.ask('/console/main.js', { headers: { 'accept-encoding': 'gzip, br' } })
  assert.equal(gzipped.headers['content-encoding'], 'gzip')
  assert.deepEqual(gunzipSync(gzipped.body), plain.body)
  const again = await h.ask('/console/main.js', { headers: { 'if-none-match': String(plain.headers.etag) } })
  assert.equal(again.status, 304)
  assert.equal(again.body.length, 0)
  assert.equal((await h.ask('/console/main.js', { method: 'HEAD' })).body.length, 0)
})

test('nothing but the files of the console is served', async (t) => {
  const h = await startHarness(t)
  const paths = [
    '/console/none.js',
    '/console/tsconfig.json',
    '/console/../package.json',
    '/console/..%2f..%2fpackage.json',
    '/console/%2e%2e/package.json',
    '/console/app/..%2fmain.js',
    '/console/app/constructor',
    '/console/constructor',
    '/console/%00',
    '/console/%ff',
    '/console//main.js',
  ]
  for (const path of paths) checkProblem(await h.ask(path), 404, 'ROUTE_NOT_FOUND')
  const aside = await h.ask('/console/')
  assert.deepEqual([aside.status, aside.headers.location], [308, '../console'])
  checkProblem(await h.ask('/console', { method: 'POST', body: 'x' }), 405, 'METHOD_NOT_ALLOWED')
})
