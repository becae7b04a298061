/** `flotilla hot read|write|keys`. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type FakeGateway, sendJson, startFakeGateway } from './fake-gateway.ts'
import { run } from './run.ts'

let gateway: FakeGateway
let keys: readonly object[] = []

const SHARDS = [
  { shard: 2, readsPerSecond: 900, writesPerSecond: 10 },
  { shard: 3, readsPerSecond: 40, writesPerSecond: 700 },
]

before(async () => {
  gateway = await startFakeGateway()
  gateway.misbehaviour = (asked, response) => {
    assert.equal(asked.url, '/admin/hot')
    sendJson(response, 200, { shards: SHARDS, keys })
    return true
  }
})
after(() => gateway.close())

const hot = (...words: readonly string[]) => run(['-e', gateway.endpoint, 'hot', ...words])

test('shards are ranked by what was asked for', async () => {
  const order = async (by: string): Promise<unknown> =>
    JSON.parse((await hot(by)).stdout).shards.map(({ shard }: { shard: number }) => shard)
  assert.deepEqual(await order('read'), [2, 3])
  assert.deepEqual(await order('write'), [3, 2])
  assert.equal((await hot('write', '-o', 'csv')).stdout, 'shard,readsPerSecond,writesPerSecond\n3,40,700\n2,900,10\n')
})

test('hot keys are listed with their shards; what is no text is told as base64', async () => {
  keys = []
  const none = await run(['-e', gateway.endpoint, 'hot', 'keys'], { isTerminal: true })
  assert.deepEqual([none.exitCode, none.stdout], [0, 'no key is hot\n'])
  keys = [
    { key: 'user/1', shard: 2, readsPerSecond: 500, writesPerSecond: 0 },
    { key: '/w==', keyEncoding: 'base64', shard: 3, readsPerSecond: 0, writesPerSecond: 300 },
  ]
  assert.deepEqual(JSON.parse((await hot('keys')).stdout).keys, keys)
  assert.equal(
    (await hot('keys', '-o', 'csv')).stdout,
    'key,shard,readsPerSecond,writesPerSecond\nuser/1,2,500,0\nbase64:/w==,3,0,300\n',
  )
  const table = await run(['-e', gateway.endpoint, 'hot', 'keys'], { isTerminal: true })
  assert.match(table.stdout, /READS\/S/)
  assert.match(table.stdout, /base64:\/w==/)
})
