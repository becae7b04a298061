/** What goes over the wire, word by word: dialogues with a client that says exactly what it is told. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { RawClient } from '../raw-client.ts'
import { QUIET, QUIET_HEADERS, type StartTarget, type Target } from './target.ts'

export function wordConformance(name: string, start: StartTarget): void {
  describe(`${name}: word by word`, () => {
    let target: Target
    before(async () => {
      target = await start()
    })
    after(async () => {
      await target?.stop()
    })

    /** Sends a script to a new connection; returns what the broker said, and whether it closed. */
    async function converse(script: string): Promise<string> {
      const client = await RawClient.connect(target.url)
      client.send(script)
      const said = await client.settle()
      client.close()
      return said
    }

    async function converseToTheEnd(script: string): Promise<string> {
      const client = await RawClient.connect(target.url)
      client.send(script)
      return client.untilClosed()
    }

    test('INFO says what a client must know', async () => {
      const client = await RawClient.connect(target.url)
      const { info } = client
      client.close()
      assert.equal(info.proto, 1)
      assert.equal(info.headers, true)
      assert.equal(info.max_payload, 1024 * 1024)
      assert.equal(info.auth_required ?? false, false)
      assert.equal(typeof info.server_id, 'string')
      assert.match(String(info.version), /^\d+\.\d+\.\d+/)
      assert.ok(Number(info.client_id) > 0)
      assert.equal(info.port, Number(new URL(target.url).port))
    })

    test('client ids differ', async () => {
      const clients = await Promise.all([1, 2, 3].map(() => RawClient.connect(target.url)))
      assert.equal(new Set(clients.map((client) => client.info.client_id)).size, 3)
      for (const client of clients) client.close()
    })

    const dialogues: readonly [what: string, script: string, said: string][] = [
      [
        'acknowledges unless told not to',
        'CONNECT {}\r\nPUB v1 1\r\nx\r\nSUB v1 1\r\nUNSUB 1\r\nUNSUB 9\r\n',
        '+OK\r\n'.repeat(5),
      ],
      ['serves clients that do not CONNECT', 'SUB v2 1\r\nPUB v2 1\r\nx\r\n', '+OK\r\n+OK\r\nMSG v2 1 1\r\nx\r\n'],
      ['takes CONNECT twice', `${QUIET}CONNECT {"verbose":true}\r\nPUB v3 0\r\n\r\n`, '+OK\r\n+OK\r\n'],
      ['takes any case', `${QUIET}sub l1 1\r\nPub l1 1\r\nx\r\n`, 'MSG l1 1 1\r\nx\r\n'],
      ['takes tabs and blanks', `${QUIET}SUB\tt1 \t 1 \r\nPUB   t1   1 \r\nx\r\n`, 'MSG t1 1 1\r\nx\r\n'],
      ['takes a bare line feed', `${QUIET}SUB n1 1\nPUB n1 1\nx\r\n`, 'MSG n1 1 1\r\nx\r\n'],
      ['ignores +OK and INFO', `${QUIET}+OK\r\nINFO {}\r\n`, ''],
      ['hands on the reply subject', `${QUIET}SUB p1 1\r\nPUB p1 back.to 0\r\n\r\n`, 'MSG p1 1 back.to 0\r\n\r\n'],
      [
        'keeps the first subject of a name',
        `${QUIET}SUB d1 1\r\nSUB d2 1\r\nPUB d1 1\r\nx\r\nPUB d2 1\r\ny\r\n`,
        'MSG d1 1 1\r\nx\r\n',
      ],
      [
        'ends a subscription after its maximum',
        `${QUIET}SUB u1 1\r\nUNSUB 1 2\r\nPUB u1 1\r\n1\r\nPUB u1 1\r\n2\r\nPUB u1 1\r\n3\r\n`,
        'MSG u1 1 1\r\n1\r\nMSG u1 1 1\r\n2\r\n',
      ],
      [
        'ends a subscription at once when its maximum has passed',
        `${QUIET}SUB u2 1\r\nPUB u2 1\r\n1\r\nPUB u2 1\r\n2\r\nUNSUB 1 1\r\nPUB u2 1\r\n3\r\n`,
        'MSG u2 1 1\r\n1\r\nMSG u2 1 1\r\n2\r\n',
      ],
      [
        'counts earlier messages towards the maximum',
        `${QUIET}SUB u3 1\r\nPUB u3 1\r\n1\r\nUNSUB 1 2\r\nPUB u3 1\r\n2\r\nPUB u3 1\r\n3\r\n`,
        'MSG u3 1 1\r\n1\r\nMSG u3 1 1\r\n2\r\n',
      ],
      [
        'lets the name of an ended subscription be used again',
        `${QUIET}SUB r1 1\r\nUNSUB 1\r\nSUB r2 1\r\nPUB r1 0\r\n\r\nPUB r2 0\r\n\r\n`,
        'MSG r2 1 0\r\n\r\n',
      ],
      [
        'refuses malformed subjects and goes on',
        `${QUIET}SUB i..b 1\r\nSUB .i 2\r\nSUB i. 3\r\nSUB i.>.b 4\r\nSUB >. 5\r\nSUB i*.b> 6\r\nPUB i*.b> 1\r\nx\r\n`,
        `${"-ERR 'Invalid Subject'\r\n".repeat(5)}MSG i*.b> 6 1\r\nx\r\n`,
      ],
      ['delivers malformed subjects to nobody', `${QUIET}SUB j.> 1\r\nPUB j..b 1\r\nx\r\nPUB j. 1\r\nx\r\n`, ''],
      [
        'takes wildcards of a publication literally',
        `${QUIET}SUB k.* 1\r\nSUB k.a 2\r\nPUB k.* 1\r\nx\r\n`,
        'MSG k.* 1 1\r\nx\r\n',
      ],
      [
        'warns a pedantic client of malformed publications',
        'CONNECT {"verbose":false}\r\nPUB m..b 1\r\nx\r\nPUB m.> 1\r\nx\r\n',
        "-ERR 'Invalid Publish Subject'\r\n".repeat(2),
      ],
      [
        'hands on headers',
        `${QUIET_HEADERS}SUB h1 1\r\nHPUB h1 back 12 13\r\nNATS/1.0\r\n\r\nx\r\n`,
        'HMSG h1 1 back 12 13\r\nNATS/1.0\r\n\r\nx\r\n',
      ],
      ['turns an empty header into none', `${QUIET_HEADERS}SUB h2 1\r\nHPUB h2 0 1\r\nz\r\n`, 'MSG h2 1 1\r\nz\r\n'],
      [
        'says 503 where nobody receives',
        `${QUIET_HEADERS}SUB n2.r.* 7\r\nPUB n2.q n2.r.1 1\r\nx\r\n`,
        'HMSG n2.r.1 7 16 16\r\nNATS/1.0 503\r\n\r\n\r\n',
      ],
      ['says no 503 where the client does not listen', `${QUIET_HEADERS}PUB n3.q n3.r.1 1\r\nx\r\n`, ''],
      ['says no 503 unless asked to', `${QUIET}SUB n4.r.* 7\r\nPUB n4.q n4.r.1 1\r\nx\r\n`, ''],
      ['says no 503 without a reply subject', `${QUIET_HEADERS}SUB n5.> 7\r\nUNSUB 7\r\nPUB n5.q 1\r\nx\r\n`, ''],
      [
        'keeps own publications away without echo',
        'CONNECT {"verbose":false,"echo":false}\r\nSUB o1 1\r\nPUB o1 1\r\nx\r\n',
        '',
      ],
      ['takes a control line of 4096 bytes', `${QUIET}SUB ${'a'.repeat(4090)} 1\r\n`, ''],
      [
        'hands on bytes that are not ASCII',
        `${QUIET}SUB \xff\xfe.\xe9 1\r\nPUB \xff\xfe.\xe9 1\r\nx\r\n`,
        'MSG \xff\xfe.\xe9 1 1\r\nx\r\n',
      ],
      [
        'hands on payloads that look like operations',
        `${QUIET}SUB f1 1\r\nPUB f1 17\r\nPUB f1 1\r\nx\r\nPING\r\n`,
        'MSG f1 1 17\r\nPUB f1 1\r\nx\r\nPING\r\n',
      ],
    ]
    for (const [what, script, said] of dialogues) {
      test(what, async () => assert.equal(await converse(script), said))
    }

    const ends: readonly [what: string, script: string, said: string][] = [
      ['an unknown operation', `${QUIET}FOO bar\r\n`, "-ERR 'Unknown Protocol Operation'\r\n"],
      ['an unknown operation that has no end yet', `${QUIET}FOO`, "-ERR 'Unknown Protocol Operation'\r\n"],
      ['an empty line', `${QUIET}\r\n`, "-ERR 'Unknown Protocol Operation'\r\n"],
      ['an operation of the server', `${QUIET}MSG a 1 1\r\nx\r\n`, "-ERR 'Unknown Protocol Operation'\r\n"],
      ['HTTP', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', "-ERR 'Unknown Protocol Operation'\r\n"],
      ['a payload longer than announced', `${QUIET}PUB a 1\r\nxyz\r\n`, "-ERR 'Unknown Protocol Operation'\r\n"],
      ['a payload without its line end', `${QUIET}PUB a 1\r\nx\nPING\r\n`, "-ERR 'Unknown Protocol Operation'\r\n"],
      ['a payload above the maximum', `${QUIET}PUB a 1048577\r\n`, "-ERR 'Maximum Payload Violation'\r\n"],
      ['a long control line', `${QUIET}SUB ${'a'.repeat(5000)} 1\r\n`, "-ERR 'maximum control line exceeded'\r\n"],
      [
        'a long control line without end',
        `${QUIET}SUB ${'a'.repeat(5000)}`,
        "-ERR 'maximum control line exceeded'\r\n",
      ],
      ['a protocol nobody knows', 'CONNECT {"protocol":5,"verbose":false}\r\n', "-ERR 'invalid client protocol'\r\n"],
      [
        'no_responders without headers',
        'CONNECT {"verbose":false,"no_responders":true}\r\n',
        "-ERR 'no responders requires headers support'\r\n",
      ],
    ]
    for (const [what, script, said] of ends) {
      test(`refuses ${what} and closes`, async () => assert.equal(await converseToTheEnd(script), said))
    }

    const malformed = [
      'PUB a x\r\nx\r\n',
      'PUB a -1\r\nx\r\n',
      'PUB a\r\n',
      'PUB a b c 1\r\nx\r\n',
      'PUB a 99999999999999\r\n',
      'PUB\r\n',
      'SUB a\r\n',
      'SUB a b c d\r\n',
      'UNSUB \r\n',
      'HPUB a 14 13\r\n',
      'HPUB a 14\r\n',
      'CONNECT\r\n',
      'CONNECT {x\r\n',
      'CONNECT {"verbose":"yes"}\r\n',
    ]
    for (const script of malformed) {
      // nats-server closes some of these without a word, so only the end is compared.
      test(`closes after ${JSON.stringify(script)}`, async () => {
        const said = await converseToTheEnd(`${QUIET_HEADERS}${script}`)
        assert.match(said, /^(-ERR '.*'\r\n)?$/)
      })
    }

    test('closes after HPUB from a client that did not announce headers', async () => {
      const said = await converseToTheEnd(`${QUIET}HPUB a 12 13\r\nNATS/1.0\r\n\r\nx\r\n`)
      assert.match(said, /^(-ERR '.*'\r\n)?$/)
    })

    test('serves every subscription of a client, in whatever order', async () => {
      const said = await converse(`${QUIET}SUB e1 1\r\nSUB e1 2\r\nPUB e1 1\r\nx\r\n`)
      assert.deepEqual(said.match(/MSG e1 . 1\r\nx\r\n/g)?.sort(), ['MSG e1 1 1\r\nx\r\n', 'MSG e1 2 1\r\nx\r\n'])
    })

    test('a client without headers gets the body alone', async () => {
      const old = await RawClient.connect(target.url)
      old.send(`${QUIET}SUB strip 1\r\n`)
      await old.settle()
      await converse(
        `${QUIET_HEADERS}HPUB strip back 12 14\r\nNATS/1.0\r\n\r\nxy\r\nHPUB strip 12 12\r\nNATS/1.0\r\n\r\n\r\n`,
      )
      assert.equal(await old.settle(), 'MSG strip 1 back 2\r\nxy\r\nMSG strip 1 0\r\n\r\n')
      old.close()
    })

    test('a script means the same byte by byte', async () => {
      const client = await RawClient.connect(target.url)
      for (const byte of `${QUIET_HEADERS}SUB b.* g 1\r\nPUB b.1 r 3\r\nabc\r\nHPUB b.2 12 13\r\nNATS/1.0\r\n\r\nx\r\n`) {
        client.send(byte)
        await new Promise((resolve) => setImmediate(resolve))
      }
      assert.equal(await client.settle(), 'MSG b.1 1 r 3\r\nabc\r\nHMSG b.2 1 12 13\r\nNATS/1.0\r\n\r\nx\r\n')
      client.close()
    })

    test('the subscriptions of a client end with it', async () => {
      const gone = await RawClient.connect(target.url)
      gone.send(`${QUIET}SUB left.behind 1\r\n`)
      await gone.settle()
      gone.close()
      const asker = await RawClient.connect(target.url)
      asker.send(`${QUIET_HEADERS}SUB answers.* 7\r\n`)
      // The broker learns of the end when it gets to it; from then on every request says 503.
      while (!asker.said.includes('503')) {
        asker.send('PUB left.behind answers.1 0\r\n\r\n')
        await asker.settle()
      }
      asker.close()
    })
  })
}
