/** The HTTP generator against real sockets: both dialects, failures with their outcomes, reconnecting. */
import assert from 'node:assert/strict'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { etcdDialect, FlotillaLeaders, flotillaDialect, type HttpDialect, HttpTarget } from '../../bench/http/index.ts'
import type { Lane, LaneObserver } from '../../bench/load/index.ts'
import { likeEtcd, likeFlotilla, problem, startFakeServer } from './fake-servers.ts'

type Answer = { readonly value: Buffer | undefined } | { readonly code: string; readonly outcome: string } | 'put'

/** One lane whose operations can be awaited. */
async function openLane(dialect: HttpDialect, ports: readonly number[], lanes = 1) {
  const target = new HttpTarget(
    dialect,
    ports.map((port) => ({ host: '127.0.0.1', port })),
  )
  let settle: (answer: Answer) => void = () => assert.fail('an answer to nothing')
  const observer: LaneObserver = {
    putDone: () => settle('put'),
    // The bytes are only lent.
    getDone: (_lane, value) => settle({ value: value === undefined ? undefined : Buffer.from(value) }),
    failed: (_lane, code, outcome) => settle({ code, outcome }),
  }
  const opened = await target.open(lanes, observer)
  const run = (lane: number, start: (lane: Lane) => void): Promise<Answer> =>
    new Promise((resolve) => {
      settle = resolve
      const chosen = opened[lane]
      assert.ok(chosen !== undefined)
      start(chosen)
    })
  return {
    put: (key: string, value: Buffer, lane = 0) => run(lane, (opened) => opened.put(key, value)),
    get: (key: string, lane = 0) => run(lane, (opened) => opened.get(key)),
    run,
    close: () => target.close(),
  }
}

const dialects = { flotilla: [flotillaDialect(), likeFlotilla], etcd: [etcdDialect(), likeEtcd] } as const
for (const [name, [dialect, handler]] of Object.entries(dialects)) {
  test(`${name}: values of every size come back as they were put`, async () => {
    const server = await startFakeServer(handler)
    const lane = await openLane(dialect, [server.port])
    assert.deepEqual(await lane.get('k/1'), { value: undefined })
    for (const size of [0, 1, 24, 256, 5000, 200_000, 1_048_576]) {
      const value = Buffer.from(Array.from({ length: size }, (_, i) => (i * 31 + size) % 256))
      assert.equal(await lane.put('k/1', value), 'put')
      assert.deepEqual(server.store.get('k/1'), value)
      const read = await lane.get('k/1')
      // etcd leaves an empty value out of its JSON.
      if (size > 0 || name === 'flotilla') assert.deepEqual(read, { value })
    }
    await lane.close()
    await server.close()
  })
}

test('lanes are spread round-robin over the endpoints', async () => {
  const servers = [
    await startFakeServer(likeFlotilla),
    await startFakeServer(likeFlotilla),
    await startFakeServer(likeFlotilla),
  ]
  const lanes = await openLane(
    flotillaDialect(),
    servers.map((server) => server.port),
    6,
  )
  for (let lane = 0; lane < 6; lane++) await lanes.put(`k${lane}`, Buffer.from('v'), lane)
  assert.deepEqual(
    servers.map((server) => [...server.store.keys()]),
    [
      ['k0', 'k3'],
      ['k1', 'k4'],
      ['k2', 'k5'],
    ],
  )
  await lanes.close()
  for (const server of servers) await server.close()
})

test('a problem is an error with its code and its outcome', async () => {
  const server = await startFakeServer((request, _body, response) => {
    if (request.url === '/kv/plain') response.writeHead(502).end('<html>')
    else problem(response, 503, 'NO_LEADER', request.method === 'PUT' ? 'none' : 'unknown')
  })
  const lane = await openLane(flotillaDialect('Authorization: Bearer x\r\n'), [server.port])
  assert.deepEqual(await lane.put('k', Buffer.from('v')), { code: 'NO_LEADER', outcome: 'none' })
  assert.deepEqual(await lane.get('k'), { code: 'NO_LEADER', outcome: 'none' })
  assert.deepEqual(await lane.put('plain', Buffer.from('v')), { code: 'HTTP_502', outcome: 'unknown' })
  await lane.close()
  await server.close()
})

test('etcd: a client error was not applied, of a server error nobody knows', async () => {
  const server = await startFakeServer((_request, body, response) => {
    const isBad = body.toString().includes(Buffer.from('bad').toString('base64'))
    response.writeHead(isBad ? 400 : 503).end('{"error":"x"}')
  })
  const lane = await openLane(etcdDialect(), [server.port])
  assert.deepEqual(await lane.put('bad', Buffer.from('v')), { code: 'HTTP_400', outcome: 'none' })
  assert.deepEqual(await lane.put('k', Buffer.from('v')), { code: 'HTTP_503', outcome: 'unknown' })
  assert.deepEqual(await lane.get('k'), { code: 'HTTP_503', outcome: 'none' })
  await lane.close()
  await server.close()
})

/** A server below HTTP, whose first connections can be treated badly. */
async function startSocketServer(onData: (socket: Socket, connection: number) => void) {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    const connection = sockets.push(socket)
    socket.on('data', () => onData(socket, connection))
    // Both sides of these tests reset connections on purpose.
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return {
    port: address.port,
    close: () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}

const GOOD = 'HTTP/1.1 204 No Content\r\n\r\n'

test('a connection lost during a write leaves its outcome unknown; the next operation connects again', async () => {
  const server = await startSocketServer((socket, connection) => {
    if (connection === 1) socket.destroy()
    else socket.write(GOOD)
  })
  const lane = await openLane(flotillaDialect(), [server.port])
  const answer = await lane.put('k', Buffer.from('v'))
  assert.ok(typeof answer === 'object' && 'outcome' in answer)
  assert.match(answer.code, /^(CONNECTION_CLOSED|ECONNRESET)$/)
  assert.equal(answer.outcome, 'unknown')
  assert.equal(await lane.put('k', Buffer.from('v')), 'put')
  await lane.close()
  await server.close()
})

test('a server that is gone refuses before anything was sent, so the write did not happen', async () => {
  const server = await startSocketServer((socket) => socket.end('HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n'))
  const lane = await openLane(flotillaDialect(), [server.port])
  assert.equal(await lane.put('k', Buffer.from('v')), 'put')
  await server.close()
  assert.deepEqual(await lane.put('k', Buffer.from('v')), { code: 'ECONNREFUSED', outcome: 'none' })
  await lane.close()
})

test('bytes that are not HTTP are an error, and the lane goes on with a new connection', async () => {
  const server = await startSocketServer((socket, connection) => {
    socket.write(connection === 1 ? '-ERR what?\r\n\r\n' : GOOD)
  })
  const lane = await openLane(flotillaDialect(), [server.port])
  assert.deepEqual(await lane.put('k', Buffer.from('v')), { code: 'MALFORMED_RESPONSE', outcome: 'unknown' })
  assert.equal(await lane.put('k', Buffer.from('v')), 'put')
  await lane.close()
  await server.close()
})

test('an abandoned operation settles once as TIMEOUT, and its late answer goes unheard', async () => {
  const waiting: Socket[] = []
  const server = await startSocketServer((socket, connection) => {
    if (connection === 1) waiting.push(socket)
    else socket.write(GOOD)
  })
  const lane = await openLane(flotillaDialect(), [server.port])
  const answer = await lane.run(0, (opened) => {
    opened.put('k', Buffer.from('v'))
    setImmediate(() => opened.abandon())
  })
  assert.deepEqual(answer, { code: 'TIMEOUT', outcome: 'unknown' })
  for (const socket of waiting) socket.write(GOOD)
  assert.equal(await lane.put('k', Buffer.from('v')), 'put')
  await lane.close()
  await server.close()
})

test('a target whose endpoint is dead does not open, and leaves nothing behind', async () => {
  const server = await startFakeServer(likeFlotilla)
  const dead = await startFakeServer(likeFlotilla)
  await dead.close()
  await assert.rejects(openLane(flotillaDialect(), [server.port, dead.port], 4), { code: 'ECONNREFUSED' })
  await server.close()
})

test('with a directory of leaders every operation goes to the endpoint that leads its key', async () => {
  const servers = [await startFakeServer(likeFlotilla), await startFakeServer(likeFlotilla)]
  const endpoints = servers.map(({ port }) => ({ host: '127.0.0.1', port }))
  const leaders = { refresh: async () => {}, endpointOf: (key: string) => (key < 'm' ? 0 : 1) }
  const target = new HttpTarget(flotillaDialect(), endpoints, leaders)
  const settled: (() => void)[] = []
  const lanes = await target.open(2, {
    putDone: (lane) => settled[lane]?.(),
    getDone: () => assert.fail('nothing was read'),
    failed: (_lane, code) => assert.fail(code),
  })
  for (const [i, key] of ['a', 'z', 'b', 'y'].entries()) {
    await new Promise<void>((resolve) => {
      settled[i % 2] = resolve
      lanes[i % 2]?.put(key, Buffer.from(key))
    })
  }
  assert.deepEqual([...(servers[0]?.store.keys() ?? [])].sort(), ['a', 'b'])
  assert.deepEqual([...(servers[1]?.store.keys() ?? [])].sort(), ['y', 'z'])
  await target.close()
  for (const server of servers) await server.close()
})

test('a Flotilla cluster is asked for its shards page by page, and its stores for their addresses', async () => {
  const server = createHttpServer((request, response) => {
    const port = (server.address() as { port: number }).port
    const pages: Record<string, unknown> = {
      '/admin/stores': {
        stores: [
          { id: 's1', address: 'elsewhere:1' },
          { id: 's2', address: `127.0.0.1:${port}` },
        ],
      },
      '/admin/shards?limit=1000': {
        shards: [
          { id: 1, leader: 's2' },
          { id: 2, start: '', leader: 's1' },
        ],
        next: 'c',
      },
      '/admin/shards?limit=1000&cursor=c': {
        shards: [
          { id: 3, start: 'k%2Fm', leader: 's2' },
          { id: 4, start: 'x', leader: null },
        ],
        next: null,
      },
    }
    const page = pages[request.url ?? '']
    response.statusCode = page === undefined ? 404 : 200
    response.end(JSON.stringify(page ?? {}))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const directory = new FlotillaLeaders([
    { host: 'elsewhere', port: 1 },
    { host: '127.0.0.1', port },
  ])
  await directory.refresh()
  assert.deepEqual(
    ['a', 'k/l', 'k/m', 'w', 'x1'].map((key) => directory.endpointOf(key)),
    [0, 0, 1, 1, 0],
  )
  server.close()
})
