/** The word that a router in a store sends with linearizable reads: when it does, and what it does with stores that refuse it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeRequest, encodeReply, type Reply, type Request } from '../../src/protocol/index.ts'
import { Channel } from '../../src/router/channel.ts'
import type { RequestFailure, Transport } from '../../src/transport/index.ts'

const GET: Request = { kind: 'get', shard: 5, rangeEpoch: 1, consistency: 'linearizable', keys: ['k'] }
const REFUSAL: Reply = {
  kind: 'error',
  error: { code: 'INVALID_ARGUMENT', message: 'cannot be read', outcome: 'none', retryable: false },
}

class Bench {
  readonly sent: Request[] = []
  readonly answers: (Reply | RequestFailure)[] = []
  term = 7
  refusesVouchers = false
  readonly channel: Channel

  constructor() {
    const transport = {
      isAbsent: () => false,
      request: (_to: string, body: Uint8Array, _timeoutMs: number, done: (answer: Uint8Array) => void) => {
        const decoded = decodeRequest(body)
        assert(decoded.ok)
        this.sent.push(decoded.value)
        const isVouched = decoded.value.kind === 'get' && decoded.value.voucher !== undefined
        done(encodeReply(isVouched && this.refusesVouchers ? REFUSAL : { kind: 'done' }))
      },
    } as unknown as Transport
    const local = {
      id: 's1',
      request: (request: Request, _timeoutMs: number, done: (reply: Reply) => void) => {
        this.sent.push(request)
        done({ kind: 'done' })
      },
      whomToAsk: () => undefined,
      vouch: (shard: number) => (shard === 5 ? { replica: 3, term: this.term } : undefined),
    }
    this.channel = new Channel(transport, local, () => 's1')
  }

  ask(store: string, request: Request): Request[] {
    this.sent.length = 0
    this.channel.request(store, request, 1_000, (answer) => this.answers.push(answer))
    return [...this.sent]
  }
}

test('a linearizable read for another store takes along what our replica says at that moment', () => {
  const bench = new Bench()
  assert.deepEqual(bench.ask('s2', GET), [{ ...GET, voucher: { replica: 3, term: 7 } }])
  bench.term = 8
  assert.deepEqual(bench.ask('s2', GET), [{ ...GET, voucher: { replica: 3, term: 8 } }])
})

test('stale reads, writes, shards without a replica here and our own store get none', () => {
  const bench = new Bench()
  const others: Request[] = [
    { ...GET, consistency: 'stale' },
    { ...GET, shard: 6 },
    { kind: 'write', shard: 5, rangeEpoch: 1, command: Uint8Array.of(1) },
    { kind: 'read-shard', shard: 5 },
  ]
  for (const request of others) {
    const [sent] = bench.ask('s2', request)
    assert.equal(sent?.kind, request.kind)
    assert(!('voucher' in sent), request.kind)
  }
  assert.deepEqual(bench.ask('s1', GET), [GET])
})

test('a store of an older release that refuses the request gets it again without, and the next ones so at once, for a while', () => {
  const bench = new Bench()
  bench.refusesVouchers = true
  assert.equal(bench.ask('s2', GET).length, 2)
  assert.deepEqual(bench.answers, [{ kind: 'done' }])
  assert.deepEqual(bench.ask('s2', GET), [GET])
  assert.deepEqual(bench.ask('s3', { ...GET, keys: ['other'] }).length, 2, 'each store for itself')
  bench.refusesVouchers = false
  let plainReads = 0
  while ((bench.ask('s2', GET)[0] as { voucher?: unknown }).voucher === undefined) plainReads++
  assert(plainReads > 100 && plainReads < 100_000, `${plainReads} reads without`)
  assert(bench.answers.every((answer) => typeof answer !== 'string' && answer.kind === 'done'))
})
