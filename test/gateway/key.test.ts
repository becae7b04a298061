/** The routes of one key, sentence by sentence of the contract. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { failure } from './fake-router.ts'
import { checkProblem, startHarness } from './harness.ts'

test('PUT stores the body as it is and answers 204 with the revision as ETag', async (t) => {
  const h = await startHarness(t)
  const value = Buffer.from([0, 255, 10, 13, 0x80])
  const put = await h.ask('/kv/a', { method: 'PUT', body: value, headers: { 'content-type': 'text/html' } })
  assert.equal(put.status, 204)
  assert.equal(put.headers.etag, '"1"')
  assert.equal(put.headers['flotilla-revision'], '1')
  const get = await h.ask('/kv/a')
  assert.equal(get.status, 200)
  assert.deepEqual(get.body, value)
  assert.equal(get.headers['content-type'], 'application/octet-stream')
  assert.equal(get.headers.etag, '"1"')
  assert.equal(get.headers['content-length'], '5')
})

test('answers of a key say where they came from', async (t) => {
  const h = await startHarness(t)
  for (const answer of [
    await h.ask('/kv/a', { method: 'PUT', body: 'x' }),
    await h.ask('/kv/a'),
    await h.ask('/kv/a', { method: 'HEAD' }),
    await h.ask('/kv/absent'),
    await h.ask('/kv/a', { method: 'PUT', body: 'y', headers: { 'if-none-match': '*' } }),
    await h.ask('/kv/a', { method: 'DELETE' }),
  ]) {
    assert.equal(answer.headers['flotilla-shard'], '2')
    assert.equal(answer.headers['flotilla-epoch'], '3.2')
    assert.equal(answer.headers['flotilla-leader'], 's2')
    assert.equal(answer.headers['server-timing'], 'route;dur=0.125, raft;dur=1.5, apply;dur=0.25')
    assert.match(String(answer.headers['request-id']), /^[A-Za-z0-9._-]{1,128}$/)
  }
})

test('an absent key is 404 KEY_NOT_FOUND, for GET and HEAD', async (t) => {
  const h = await startHarness(t)
  const problem = await h.problem('/kv/a', {}, 404, 'KEY_NOT_FOUND')
  assert.equal(problem.shard, 2)
  assert.equal(problem.leader, 's2')
  const head = await h.ask('/kv/a', { method: 'HEAD' })
  assert.equal(head.status, 404)
  assert.equal(head.body.length, 0)
})

test('GET with Accept: application/json gives the value in JSON', async (t) => {
  const h = await startHarness(t)
  await h.ask('/kv/k%C3%A9', { method: 'PUT', body: 'h\u00e9' })
  await h.ask('/kv/%FF%00', { method: 'PUT', body: Buffer.from([0xff, 0x00]) })
  const text = await h.ask('/kv/k%C3%A9', { headers: { accept: 'application/json' } })
  assert.deepEqual(text.json(), { key: 'k\u00e9', value: 'h\u00e9', encoding: 'utf8', revision: 1 })
  assert.equal(text.headers['content-type'], 'application/json')
  const binary = await h.ask('/kv/%FF%00', { headers: { accept: 'application/json' } })
  assert.deepEqual(binary.json(), {
    key: '/wA=',
    keyEncoding: 'base64',
    value: '/wA=',
    encoding: 'base64',
    revision: 2,
  })
  const raw = await h.ask('/kv/%FF%00', { headers: { accept: 'text/html, */*' } })
  assert.equal(raw.headers['content-type'], 'application/octet-stream')
})

test('HEAD answers the headers of GET and no body', async (t) => {
  const h = await startHarness(t)
  await h.ask('/kv/a', { method: 'PUT', body: 'value' })
  const head = await h.ask('/kv/a', { method: 'HEAD' })
  assert.equal(head.status, 200)
  assert.equal(head.headers['content-length'], '5')
  assert.equal(head.headers.etag, '"1"')
  assert.equal(head.body.length, 0)
})

test('POST stores the text of {"value"} and answers key and revision', async (t) => {
  const h = await startHarness(t)
  const post = await h.ask('/kv/a/b', {
    method: 'POST',
    body: '{"value":"t\\u00e9xt"}',
    headers: { 'content-type': 'text/plain' },
  })
  assert.equal(post.status, 200)
  assert.deepEqual(post.json(), { key: 'a/b', revision: 1 })
  assert.equal(post.headers.etag, '"1"')
  assert.equal((await h.ask('/kv/a/b')).text, 't\u00e9xt')
  assert.equal((await h.ask('/kv/a', { method: 'POST', body: '{"value":""}' })).status, 200)
})

test('DELETE is 204 whether or not the key existed, and says which', async (t) => {
  const h = await startHarness(t)
  await h.ask('/kv/a', { method: 'PUT', body: 'x' })
  const first = await h.ask('/kv/a', { method: 'DELETE' })
  assert.equal(first.status, 204)
  assert.equal(first.headers['flotilla-deleted'], '1')
  const second = await h.ask('/kv/a', { method: 'DELETE' })
  assert.equal(second.status, 204)
  assert.equal(second.headers['flotilla-deleted'], '0')
})

test('the path is taken as it arrives', async (t) => {
  const h = await startHarness(t)
  const keys: readonly (readonly [string, string])[] = [
    ['/kv/../admin/status', '../admin/status'],
    ['/kv/%2e%2e/%2E%2E/livez', '../../livez'],
    ['/kv/a//b', 'a//b'],
    ['/kv/.', '.'],
    ['/kv//', '/'],
    ['/kv/a+b', 'a+b'],
    ['/kv/%FF%00', '\xff\0'],
    ['/kv/a%2Fb%3Fc%23', 'a/b?c#'],
    ['/kv/a?', 'a'],
    ['/kv/%2525', '%25'],
    ['/kv/kv64/YQ', 'kv64/YQ'],
    ['/kv64/Li4vLi4', '../..'],
    ['/kv64/_wA', '\xff\0'],
    ['/kv64/_wA=', '\xff\0'],
  ]
  for (const [path, key] of keys) {
    const put = await h.ask(path, { method: 'PUT', body: path })
    assert.equal(put.status, 204, path)
    assert.ok(h.router.records.has(key), path)
    assert.equal((await h.ask(path)).text, h.router.records.get(key)?.value.toString() && path)
  }
})

test('every key survives the round trip through /kv and /kv64', async (t) => {
  const h = await startHarness(t)
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 40 }), async (bytes) => {
      const escaped = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
      const put = await h.ask(`/kv/${escaped}`, { method: 'PUT', body: bytes })
      assert.equal(put.status, 204)
      const get = await h.ask(`/kv64/${Buffer.from(bytes).toString('base64url')}`)
      assert.deepEqual(new Uint8Array(get.body), bytes)
    }),
    { numRuns: 100 },
  )
})

test('malformed encodings and the empty key are 400', async (t) => {
  const h = await startHarness(t)
  for (const path of [
    '/kv/',
    '/kv64/',
    '/kv/%',
    '/kv/a%2',
    '/kv/%zz',
    '/kv/%2',
    '/kv64/a',
    '/kv64/a+b=',
    '/kv64/YR',
    '/kv64/Y Q'.replace(' ', '%20'),
    '/kv64/YQ=',
    '/kv64/a/b/',
  ]) {
    for (const method of ['GET', 'PUT', 'POST', 'DELETE'])
      await h.problem(path, { method, body: '{"value":"x"}' }, 400, 'INVALID_ARGUMENT')
  }
  assert.deepEqual(h.router.calls, [])
})

test('keys have at most 4096 bytes and values at most 1 MiB', async (t) => {
  const h = await startHarness(t)
  assert.equal((await h.ask(`/kv/${'%00'.repeat(4096)}`, { method: 'PUT', body: Buffer.alloc(1 << 20) })).status, 204)
  assert.equal((await h.ask(`/kv/${'%00'.repeat(4096)}`)).body.length, 1 << 20)
  await h.problem(`/kv/${'a'.repeat(4097)}`, {}, 413, 'KEY_TOO_LARGE')
  await h.problem('/kv/a', { method: 'PUT', body: Buffer.alloc((1 << 20) + 1) }, 413, 'VALUE_TOO_LARGE')
  await h.problem(
    '/kv/a',
    { method: 'POST', body: JSON.stringify({ value: 'x'.repeat((1 << 20) + 1) }) },
    413,
    'VALUE_TOO_LARGE',
  )
  assert.equal(
    (await h.ask('/kv/a', { method: 'POST', body: JSON.stringify({ value: '\x01'.repeat(1 << 20) }) })).status,
    200,
  )
  assert.equal((await h.ask('/kv/empty', { method: 'PUT' })).status, 204)
  assert.equal((await h.ask('/kv/empty')).body.length, 0)
})

test('conditions hold or the write is 412 with the current revision', async (t) => {
  const h = await startHarness(t)
  const put = (headers: Record<string, string | string[]>) => h.ask('/kv/a', { method: 'PUT', body: 'x', headers })
  const absent = checkProblem(await put({ 'if-match': '*' }), 412, 'PRECONDITION_FAILED')
  assert.equal(absent.revision, null)
  assert.equal((await put({ 'if-none-match': '*' })).status, 204)
  const exists = await put({ 'if-none-match': '*' })
  assert.equal(checkProblem(exists, 412, 'PRECONDITION_FAILED').revision, 1)
  assert.equal(exists.headers.etag, '"1"')
  assert.equal((await put({ 'if-match': '"1"' })).headers.etag, '"2"')
  checkProblem(await put({ 'if-match': '"1"' }), 412, 'PRECONDITION_FAILED')
  assert.equal((await put({ 'if-match': '*' })).status, 204)
  checkProblem(await h.ask('/kv/a', { method: 'DELETE', headers: { 'if-match': '"1"' } }), 412, 'PRECONDITION_FAILED')
  checkProblem(
    await h.ask('/kv/a', { method: 'POST', body: '{"value":"v"}', headers: { 'if-none-match': '*' } }),
    412,
    'PRECONDITION_FAILED',
  )
  assert.equal(
    (await h.ask('/kv/a', { method: 'DELETE', headers: { 'if-match': '"3"' } })).headers['flotilla-deleted'],
    '1',
  )
})

test('a malformed condition is 400 and never no condition', async (t) => {
  const h = await startHarness(t)
  const malformed = [
    '',
    '1',
    '"',
    '""',
    '"x"',
    'W/"1"',
    '"1", "2"',
    '"1" ',
    "'1'",
    '"-1"',
    '"01"',
    '"1.0"',
    '"1e3"',
    '"9007199254740992"',
    '"99999999999999999999"',
    '**',
  ]
  for (const method of ['PUT', 'POST', 'DELETE']) {
    for (const value of malformed) {
      if (value === '"1" ') continue // HTTP removes blanks around values.
      const answer = await h.ask('/kv/a', { method, body: '{"value":"x"}', headers: { 'if-match': value } })
      checkProblem(answer, 400, 'INVALID_ARGUMENT')
    }
    for (const value of ['"1"', '', 'x']) {
      await h.problem(
        '/kv/a',
        { method, body: '{"value":"x"}', headers: { 'if-none-match': value } },
        400,
        'INVALID_ARGUMENT',
      )
    }
    await h.problem(
      '/kv/a',
      { method, body: '{"value":"x"}', headers: { 'if-match': '*', 'if-none-match': '*' } },
      400,
      'INVALID_ARGUMENT',
    )
    await h.problem(
      '/kv/a',
      { method, body: '{"value":"x"}', headers: { 'If-Match': ['"1"', '"1"'] } },
      400,
      'INVALID_ARGUMENT',
    )
  }
  assert.deepEqual(h.router.calls, [])
})

test('reads take conditions: 304 for who has the value, 412 for who wants another one', async (t) => {
  const h = await startHarness(t)
  const { etag = '' } = (await h.ask('/kv/a', { method: 'PUT', body: 'v' })).headers
  const holding = [etag, `W/${etag}`, `"77", ${etag}`, '*', ` ${etag} `]
  for (const method of ['GET', 'HEAD']) {
    for (const tags of holding) {
      const answer = await h.ask('/kv/a', { method, headers: { 'if-none-match': tags } })
      assert.equal(answer.status, 304, tags)
      assert.equal(answer.body.length, 0)
      assert.equal(answer.headers.etag, etag)
      assert.equal(answer.headers['content-type'], undefined)
      assert.ok(answer.headers['flotilla-shard'])
      assert.equal((await h.ask('/kv/a', { method, headers: { 'if-match': tags } })).status, 200)
    }
    for (const tags of ['"77"', '"1', '1', 'x', '']) {
      const answer = await h.ask('/kv/a', { method, headers: { 'if-none-match': tags } })
      assert.deepEqual([answer.status, answer.text], [200, method === 'GET' ? 'v' : ''], tags)
      const refused = await h.ask('/kv/a', { method, headers: { 'if-match': tags } })
      assert.deepEqual([refused.status, refused.headers.etag], [412, etag], tags)
    }
    assert.equal((await h.ask('/kv/none', { method, headers: { 'if-none-match': '*' } })).status, 404)
  }
  await h.ask('/kv/a', { method: 'PUT', body: 'w' })
  assert.equal((await h.ask('/kv/a', { headers: { 'if-none-match': etag } })).text, 'w')
})

test('a part of a value is not stored as if it were the whole', async (t) => {
  const h = await startHarness(t)
  const headers = { 'content-range': 'bytes 0-0/5' }
  await h.problem('/kv/a', { method: 'PUT', body: 'v', headers }, 400, 'INVALID_ARGUMENT')
  assert.equal(h.router.records.size, 0)
})

test('stale reads carry their staleness; other consistencies are 400', async (t) => {
  const h = await startHarness(t)
  await h.ask('/kv/a', { method: 'PUT', body: 'x' })
  h.router.stalenessMs = 12.4
  const stale = await h.ask('/kv/a?consistency=stale')
  assert.equal(stale.headers['flotilla-staleness-ms'], '13')
  assert.equal((await h.ask('/kv/a?consistency=stale', { method: 'HEAD' })).headers['flotilla-staleness-ms'], '13')
  assert.equal((await h.ask('/kv/a?consistency=linearizable')).headers['flotilla-staleness-ms'], undefined)
  for (const query of [
    'consistency=',
    'consistency=weak',
    'consistency=Stale',
    'consistency=stale&consistency=stale',
    'consistency=%',
  ]) {
    await h.problem(`/kv/a?${query}`, {}, 400, 'INVALID_ARGUMENT')
  }
})

test('what this version does not support is refused, not ignored', async (t) => {
  const h = await startHarness(t)
  const ttl = await h.problem('/kv/a?ttl=5', { method: 'PUT', body: 'x' }, 400, 'INVALID_ARGUMENT')
  assert.match(String(ttl.detail), /not supported/)
  await h.problem('/kv/a', { method: 'PUT', body: 'x', headers: { 'idempotency-key': 'k' } }, 400, 'INVALID_ARGUMENT')
  await h.problem('/watch', {}, 404, 'ROUTE_NOT_FOUND')
  assert.deepEqual(h.router.calls, [])
})

test('POST refuses what is not {"value": text}', async (t) => {
  const h = await startHarness(t)
  const bodies: (string | Uint8Array)[] = [
    '',
    '{',
    'null',
    '[]',
    '"x"',
    '1',
    '{}',
    '{"value":1}',
    '{"value":null}',
    '{"value":"x","ttl":1}',
    '{"value":"\\ud800"}',
    '{"__proto__":{"value":"x"}}',
    '{"value":"x"}{',
    '{"value":"!","encoding":"base64"}',
    '{"value":"x","encoding":"latin1"}',
    Buffer.from([0x7b, 0xff, 0x7d]),
    `${'['.repeat(5000)}`,
    `${'{"a":'.repeat(2000)}1${'}'.repeat(2000)}`,
  ]
  for (const body of bodies) await h.problem('/kv/a', { method: 'POST', body }, 400, 'INVALID_ARGUMENT')
  assert.deepEqual(h.router.calls, [])
})

test('the errors of the router become problems with what they know', async (t) => {
  const h = await startHarness(t)
  h.router.before = () => {
    throw failure({
      code: 'NO_LEADER',
      message: 'no leader',
      retryable: true,
      shard: 2,
      hint: 'wait',
      outcome: 'unknown',
      leader: 's3',
    })
  }
  const answer = await h.ask('/kv/a', { method: 'PUT', body: 'x' })
  const problem = checkProblem(answer, 503, 'NO_LEADER')
  assert.deepEqual(
    [problem.shard, problem.leader, problem.hint, problem.outcome, problem.retryable],
    [2, 's3', 'wait', 'unknown', true],
  )
  assert.equal(answer.headers['flotilla-shard'], '2')
})

test('an unexpected exception is 500 INTERNAL without a stack; the log has it', async (t) => {
  const h = await startHarness(t)
  h.router.before = () => {
    throw new TypeError('secret detail')
  }
  const write = await h.ask('/kv/a', { method: 'PUT', body: 'x' })
  assert.equal(checkProblem(write, 500, 'INTERNAL').outcome, 'unknown')
  assert.equal((await h.problem('/kv/a', {}, 500, 'INTERNAL')).outcome, 'none')
  assert.doesNotMatch(write.text, /secret/)
  assert.match(h.logged.join('\n'), new RegExp(`secret detail.*|${write.headers['request-id']}`))
})
