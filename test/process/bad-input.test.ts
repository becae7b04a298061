/** Whatever arrives at a live cluster, it answers as documented or closes the connection, and lives on. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { encode } from '@msgpack/msgpack'
import { ANY_BROKER } from '../../tools/cluster/broker-process.ts'
import { type HttpAnswer, type HttpRequest, NoAnswer, problem } from '../../tools/cluster/http.ts'
import { type ProcessCluster, withCluster } from '../support/process-cluster.ts'

const KiB = 1024
const MiB = 1024 * KiB

function base64url(key: Uint8Array): string {
  return Buffer.from(key).toString('base64url')
}

/** A request that must be refused with a code. */
interface Refused {
  readonly what: string
  readonly request: HttpRequest
  readonly status: number
  readonly code: string
}

function refused(
  what: string,
  method: string,
  path: string,
  status: number,
  code: string,
  more: Partial<HttpRequest> = {},
): Refused {
  return { what, request: { method, path, ...more }, status, code }
}

const JSON_TYPE = { 'Content-Type': 'application/json' }
const MSGPACK_TYPE = { 'Content-Type': 'application/vnd.msgpack' }

function batch(ops: unknown, headers: Record<string, string> = JSON_TYPE): Partial<HttpRequest> {
  return { body: JSON.stringify({ ops }), headers }
}

const REFUSED: readonly Refused[] = [
  refused('an empty key', 'PUT', '/kv/', 400, 'INVALID_ARGUMENT', { body: 'v' }),
  refused('half a percent escape', 'GET', '/kv/%f', 400, 'INVALID_ARGUMENT'),
  refused('a percent escape of no number', 'GET', '/kv/%zz', 400, 'INVALID_ARGUMENT'),
  refused('base64 that is none', 'GET', '/kv64/a*b', 400, 'INVALID_ARGUMENT'),
  refused('base64 of a length that cannot be', 'GET', '/kv64/aaaaa', 400, 'INVALID_ARGUMENT'),
  refused('an empty base64 key', 'GET', '/kv64/', 400, 'INVALID_ARGUMENT'),
  refused('a key of 4097 bytes', 'PUT', `/kv/${'k'.repeat(4097)}`, 413, 'KEY_TOO_LARGE', { body: 'v' }),
  refused('a value of 1 MiB and a byte', 'PUT', '/kv/big', 413, 'VALUE_TOO_LARGE', { body: Buffer.alloc(MiB + 1) }),
  refused('a value of 10 MiB', 'PUT', '/kv/big', 413, 'VALUE_TOO_LARGE', { body: Buffer.alloc(10 * MiB) }),
  refused('both conditions', 'PUT', '/kv/c', 400, 'INVALID_ARGUMENT', {
    body: 'v',
    headers: { 'If-Match': '*', 'If-None-Match': '*' },
  }),
  refused('a condition without quotes', 'PUT', '/kv/c', 400, 'INVALID_ARGUMENT', {
    body: 'v',
    headers: { 'If-Match': '1' },
  }),
  refused('a weak condition', 'PUT', '/kv/c', 400, 'INVALID_ARGUMENT', { body: 'v', headers: { 'If-Match': 'W/"1"' } }),
  refused('a revision above 2^53', 'PUT', '/kv/c', 400, 'INVALID_ARGUMENT', {
    body: 'v',
    headers: { 'If-Match': '"99999999999999999999"' },
  }),
  refused('another If-None-Match than *', 'PUT', '/kv/c', 400, 'INVALID_ARGUMENT', {
    body: 'v',
    headers: { 'If-None-Match': '"1"' },
  }),
  refused('a deadline of zero', 'GET', '/kv/c', 400, 'INVALID_ARGUMENT', { headers: { 'Flotilla-Timeout-Ms': '0' } }),
  refused('a deadline in words', 'GET', '/kv/c', 400, 'INVALID_ARGUMENT', {
    headers: { 'Flotilla-Timeout-Ms': 'soon' },
  }),
  refused('an unknown consistency', 'GET', '/kv/c?consistency=maybe', 400, 'INVALID_ARGUMENT'),
  refused('a limit of zero', 'GET', '/kv?limit=0', 400, 'INVALID_ARGUMENT'),
  refused('a limit of 1001', 'GET', '/kv?limit=1001', 400, 'INVALID_ARGUMENT'),
  refused('a cursor of nobody', 'GET', '/kv?cursor=zzzz', 400, 'INVALID_ARGUMENT'),
  refused('a direction in words', 'GET', '/kv?reverse=yes', 400, 'INVALID_ARGUMENT'),
  refused('a range delete without a bound', 'DELETE', '/kv', 400, 'INVALID_ARGUMENT'),
  refused('a range delete with an empty prefix', 'DELETE', '/kv?prefix=', 400, 'INVALID_ARGUMENT'),
  refused('JSON that is none', 'POST', '/kv/j', 400, 'INVALID_ARGUMENT', { body: '{"value":', headers: JSON_TYPE }),
  refused('JSON of another shape', 'POST', '/kv/j', 400, 'INVALID_ARGUMENT', { body: '[1]', headers: JSON_TYPE }),
  refused('JSON without a value', 'POST', '/kv/j', 400, 'INVALID_ARGUMENT', { body: '{}', headers: JSON_TYPE }),
  refused('a body that is no UTF-8', 'POST', '/kv/j', 400, 'INVALID_ARGUMENT', {
    body: Buffer.from([0x22, 0xff, 0x22]),
  }),
  refused('a batch that is no list', 'POST', '/batch', 400, 'INVALID_ARGUMENT', batch({ op: 'put' })),
  refused('an unknown operation', 'POST', '/batch', 400, 'INVALID_ARGUMENT', batch([{ op: 'take', key: 'k' }])),
  refused('an operation without a key', 'POST', '/batch', 400, 'INVALID_ARGUMENT', batch([{ op: 'get' }])),
  refused(
    '1001 operations',
    'POST',
    '/batch',
    413,
    'BATCH_TOO_LARGE',
    batch(Array(1001).fill({ op: 'get', key: 'k' })),
  ),
  refused(
    'more than 4 MiB of values',
    'POST',
    '/batch',
    413,
    'BATCH_TOO_LARGE',
    batch(Array.from({ length: 5 }, (_, number) => ({ op: 'put', key: `k${number}`, value: 'v'.repeat(MiB - 10) }))),
  ),
  refused('msgpack that is none', 'POST', '/batch', 400, 'INVALID_ARGUMENT', {
    body: Buffer.from([0xc1]),
    headers: MSGPACK_TYPE,
  }),
  refused('msgpack that promises more than it has', 'POST', '/batch', 400, 'INVALID_ARGUMENT', {
    body: Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]),
    headers: MSGPACK_TYPE,
  }),
  refused('msgpack nested without end', 'POST', '/batch', 400, 'INVALID_ARGUMENT', {
    body: Buffer.alloc(100_000, 0x91),
    headers: MSGPACK_TYPE,
  }),
  refused('JSON nested without end', 'POST', '/batch', 400, 'INVALID_ARGUMENT', { body: '['.repeat(100_000) }),
  refused('JSON where msgpack was announced', 'POST', '/batch', 400, 'INVALID_ARGUMENT', batch([], MSGPACK_TYPE)),
  refused('an unknown route', 'GET', '/nowhere', 404, 'ROUTE_NOT_FOUND'),
  refused('a route above the root', 'GET', '/../etc/passwd', 404, 'ROUTE_NOT_FOUND'),
  refused('an unknown shard', 'GET', '/admin/shards/999999', 404, 'SHARD_NOT_FOUND'),
  refused('an unknown store', 'GET', '/admin/stores/nobody', 404, 'STORE_NOT_FOUND'),
  refused('an unknown operator', 'GET', '/admin/operators/none', 404, 'OPERATOR_NOT_FOUND'),
  refused('a transfer to nobody', 'POST', '/admin/shards/2/transfer-leader', 404, 'STORE_NOT_FOUND', {
    body: '{"store":"nobody"}',
  }),
  refused('an unknown method', 'PATCH', '/kv/a', 405, 'METHOD_NOT_ALLOWED', { body: 'v' }),
  refused('a method that the route does not have', 'POST', '/livez', 405, 'METHOD_NOT_ALLOWED'),
  refused('a head of 40 KiB', 'GET', '/livez', 431, 'HEADERS_TOO_LARGE', { headers: { Cookie: 'c'.repeat(40 * KiB) } }),
]

async function isHealthy(cluster: ProcessCluster): Promise<void> {
  for (const id of cluster.ids) await cluster.waitReady(id, 10_000)
}

/** Sends bytes as they are and returns what comes back until the connection closes, or until `enough` of it has come. */
async function raw(address: string, bytes: Uint8Array | string, ends: boolean): Promise<string> {
  const [host = '', port = ''] = address.split(':')
  const socket = connect(Number(port), host)
  let answer = ''
  socket.on('data', (chunk: Buffer) => {
    answer += chunk.toString('latin1')
  })
  socket.on('error', () => {
    // The server may reset what it does not want to read; the close that follows is what the test waits for.
  })
  await once(socket, 'connect')
  if (ends) socket.end(bytes)
  else socket.write(bytes)
  // In two steps, so that after a pause of the whole machine the server gets its turn first.
  let timer = setTimeout(() => {
    timer = setTimeout(() => socket.destroy(), 15_000)
  }, 15_000)
  await once(socket, 'close')
  clearTimeout(timer)
  return answer
}

test('bytes of every kind as keys, and sizes at the limits, are stored and found as they are', async () => {
  await withCluster({ broker: ANY_BROKER }, async (cluster) => {
    const keys = [
      ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)),
      ...[
        '/',
        '//',
        '/./',
        '/../x',
        '.',
        '..',
        'a/b/../c',
        '+',
        ' ',
        '%',
        '%41',
        '?a=b',
        '#x',
        'é',
        '🚢',
        '\u0000',
      ].map((text) => Buffer.from(text, 'utf8')),
      ...Array.from({ length: 40 }, () => randomBytes(32)),
      randomBytes(4096),
      Buffer.alloc(4096, 0xff),
    ]
    const via = (position: number): string => cluster.ids[position % 3] ?? 's1'
    for (const [position, key] of keys.entries()) {
      const put = await cluster.http(via(position), { method: 'PUT', path: `/kv64/${base64url(key)}`, body: key })
      assert.equal(put.status, 204, `PUT of ${base64url(key)}: ${put.body.toString('utf8')}`)
    }
    for (const [position, key] of keys.entries()) {
      const escaped = [...key].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
      const paths = [`/kv64/${base64url(key)}`, `/kv/${escaped}`]
      for (const path of paths) {
        const got = await cluster.http(via(position + 1), { method: 'GET', path })
        assert.equal(got.status, 200, `GET ${path.slice(0, 80)}: ${got.body.toString('utf8').slice(0, 200)}`)
        assert.deepEqual(got.body, Buffer.from(key))
      }
    }
    const items: unknown[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page = (await cluster.json(
        's2',
        `/kv?limit=100${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
      )) as {
        items: unknown[]
        next: string | null
      }
      items.push(...page.items)
      cursor = page.next
    }
    assert.equal(items.length, new Set(keys.map((key) => base64url(key))).size, 'a scan meets every key once')
    for (const size of [0, 1, 1023, 64 * KiB, MiB - 1, MiB]) {
      const value = randomBytes(size)
      const put = await cluster.http('s1', { method: 'PUT', path: '/kv/sized', body: value })
      assert.equal(put.status, 204, `a value of ${size} bytes: ${put.body.toString('utf8')}`)
      const got = await cluster.http('s3', { method: 'GET', path: '/kv/sized' })
      assert(got.body.equals(value), `a value of ${size} bytes came back as ${got.body.length}`)
    }
    const body = encode({
      ops: [
        { op: 'put', key: Uint8Array.of(0xff, 0), value: Uint8Array.of(1) },
        { op: 'get', key: Uint8Array.of(0xff, 0) },
      ],
    })
    const batched = await cluster.http('s2', { method: 'POST', path: '/batch', headers: MSGPACK_TYPE, body })
    assert.equal(batched.status, 200)
    await isHealthy(cluster)
  })
})

test('what is wrong is refused with the documented problem, by every store, and nothing falls over', async () => {
  await withCluster({ broker: ANY_BROKER }, async (cluster) => {
    await cluster.leaders()
    for (const [position, { what, request, status, code }] of REFUSED.entries()) {
      const id = cluster.ids[position % 3] ?? 's1'
      let answer: HttpAnswer
      try {
        answer = await cluster.http(id, request)
      } catch (error) {
        // A server may stop reading a body that it refuses, and then the answer may be lost with the connection; it must not hang.
        assert(
          error instanceof NoAnswer && error.kind === 'lost' && request.body !== undefined,
          `${what}: ${String(error)}`,
        )
        continue
      }
      const trouble = problem(answer)
      assert(
        trouble !== undefined,
        `${what}: ${answer.status} is no problem document: ${answer.body.toString('utf8').slice(0, 300)}`,
      )
      assert.deepEqual(
        [answer.status, trouble.code, trouble.status],
        [status, code, status],
        `${what}: ${JSON.stringify(trouble)}`,
      )
      assert.equal(trouble.outcome, 'none', `${what} did nothing`)
      assert.match(String(answer.headers['request-id']), /^[A-Za-z0-9._-]+$/)
    }
    const empty = await cluster.http('s1', { method: 'GET', path: '/kv?limit=10' })
    assert.deepEqual((JSON.parse(empty.body.toString('utf8')) as { items: unknown[] }).items, [], 'nothing was written')

    const garbage = [
      '\r\n\r\n\r\n',
      'GET\r\n\r\n',
      'PUT /kv/a HTTP/9.9\r\n\r\n',
      '\x16\x03\x01\x02\x00\x01',
      'PING\r\n',
      randomBytes(4096),
    ]
    for (const bytes of garbage) {
      const answer = await raw(cluster.address('s1'), bytes, true)
      assert(answer === '' || /^HTTP\/1\.1 (400|505) /.test(answer), `${JSON.stringify(answer.slice(0, 200))}`)
      assert(!answer.includes('<html') && !answer.includes('    at '), answer)
    }
    // A body and a head that never come to their end, at once, so that the test waits only once.
    const address = cluster.address('s2')
    const [body, head] = await Promise.all([
      raw(address, 'PUT /kv/slow HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc', false),
      raw(address, 'PUT /kv/slow HTTP/1.1\r\nHost:', false),
    ])
    for (const answer of [body, head]) {
      assert.match(answer, /^HTTP\/1\.1 408 /)
      assert.match(answer, /REQUEST_TIMEOUT/)
    }
    await isHealthy(cluster)
  })
})
