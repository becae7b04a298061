/** What the console computes before it draws: bytes as text, quantiles, pieces of the strip, command lines, links, streams. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { quantile, requestHistogram, since } from '../../src/console/api/latency.ts'
import type { Shard } from '../../src/console/api/shapes.ts'
import { MessageSplitter } from '../../src/console/api/stream.ts'
import { link, routeOf } from '../../src/console/app/route.ts'
import { h } from '../../src/console/dom/node.ts'
import { commandLine, curlLine, keyWords, separated } from '../../src/console/parts/command.ts'
import * as format from '../../src/console/parts/format.ts'
import * as keys from '../../src/console/parts/keys.ts'
import { quantity } from '../../src/console/parts/quantity.ts'
import { inKeyOrder, piecesOf } from '../../src/console/parts/strip.ts'
import { percentDecode, percentEncode } from '../../src/gateway/percent.ts'

const bytes = fc.uint8Array({ maxLength: 64 })

test('every key survives each of its spellings, and the gateway spells it alike', () => {
  fc.assert(
    fc.property(bytes, (key) => {
      const plain = Uint8Array.from(key)
      const percent = keys.percentText(plain)
      assert.equal(percent, percentEncode(Buffer.from(plain).toString('latin1')))
      assert.deepEqual(keys.percentBytes(percent), plain)
      assert.deepEqual(keys.base64Bytes(keys.base64Text(plain)), plain)
      assert.deepEqual(keys.hexBytes(keys.hexText(plain)), plain)
      assert.equal(keys.keyPath(plain), `kv64/${Buffer.from(plain).toString('base64url')}`)
      const fields = keys.keyFields(plain)
      assert.deepEqual(keys.documentBytes(fields.key ?? '', fields.keyEncoding), plain)
    }),
  )
})

test('percent-encoded text that is malformed is refused as the gateway refuses it', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('%', 'a', '0', 'F', 'g', '+', ' '), maxLength: 8 }), (text) => {
      const decoded = percentDecode(text)
      const expected = decoded === undefined ? undefined : Uint8Array.from(Buffer.from(decoded, 'latin1'))
      assert.deepEqual(keys.percentBytes(text), expected)
    }),
  )
})

test('a readable key hides nothing and turns nothing around', () => {
  const cases: [string, string][] = [
    ['plain text', 'plain text'],
    ['<b>&amp;', '<b>&amp;'],
    ['a\nb\0', 'a\\x0ab\\x00'],
    ['a\u202eb', 'a\\u{202e}b'],
    ['a\u200bb\ufeff', 'a\\u{200b}b\\u{feff}'],
    ['a\u00a0b', 'a\\xa0b'],
    ['grüße 🚢', 'grüße 🚢'],
  ]
  for (const [text, expected] of cases) assert.equal(keys.keyText(keys.utf8Bytes(text)), expected)
  assert.equal(keys.keyText(Uint8Array.of(0x41, 0xff, 0x00)), 'A\\xff\\x00')
  fc.assert(fc.property(bytes, (key) => assert.match(keys.keyText(Uint8Array.from(key)), /^[^\p{C}\p{Zl}\p{Zp}]*$/u)))
})

test('named numbers are said with the unit that their name ends with', () => {
  const cases: [string, unknown, string][] = [
    ['bytes', 177_644, 'size 173 KiB'],
    ['splitBytes', 100_663_296, 'split size 96 MiB'],
    ['durationMs', 12.25, 'duration 12.3 ms'],
    ['splitOpsPerSecond', 2000, 'split ops 2000/s'],
    ['ageSeconds', 90, 'age 90 s'],
    ['items', 12, 'items 12'],
    ['kilobytes', 3, 'kilobytes 3'],
    ['ideal', 35.754, 'ideal 35.75'],
    ['mapVersion', 3, 'map version 3'],
    ['reason', 'the group has removed it', 'reason the group has removed it'],
  ]
  for (const [name, value, expected] of cases) assert.equal(quantity(name, value), expected)
})

test('bounds of the map read as words where they are the ends', () => {
  assert.equal(keys.boundText('', 'lowest'), 'lowest')
  assert.equal(keys.boundText(null, 'highest'), 'highest')
  assert.equal(keys.boundText('a%2Fb', 'lowest'), 'a/b')
  assert.equal(keys.boundText('%FF', 'lowest'), '\\xff')
})

test('keys are ordered by their bytes', () => {
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      assert.equal(Math.sign(keys.compareKeys(a, b)), Math.sign(Buffer.compare(a, b)))
    }),
  )
})

test('a dump shows offset, bytes and characters', () => {
  assert.equal(
    keys.hexDump(keys.utf8Bytes('0123456789abcdef\nz'), 100),
    '000000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef\n' +
      `000010  0a 7a${' '.repeat(42)}  .z`,
  )
  assert.equal(keys.hexBytes('0g'), undefined)
  assert.equal(keys.hexBytes('012'), undefined)
})

test('numbers have few digits and one unit', () => {
  assert.deepEqual([0, 900, 1536, 96 * 2 ** 20, 3.2 * 2 ** 40].map(format.bytes), [
    '0 B',
    '900 B',
    '1.5 KiB',
    '96 MiB',
    '3.2 TiB',
  ])
  assert.deepEqual([0, 7.25, 999, 9999, 12_345, 2_500_000].map(format.count), [
    '0',
    '7.25',
    '999',
    '9999',
    '12.3 k',
    '2.5 M',
  ])
  assert.deepEqual([0.000_2, 0.012, 1.5, 400].map(format.seconds), ['200 µs', '12 ms', '1.5 s', '6 min 40 s'])
  assert.deepEqual([0, 59, 60, 3_661, 90_000].map(format.span), ['0 s', '59 s', '1 min', '1 h 1 min', '1 d 1 h'])
  assert.equal(format.ago('2026-01-01T00:00:00Z', Date.parse('2026-01-01T00:01:30Z')), '1 min ago')
})

test('times are those of the reader, with the day where it is another one, and say how far from UTC they are', () => {
  const at = new Date(2026, 0, 2, 3, 4, 5, 6)
  assert.equal(format.clockTime(at.toISOString(), new Date(2026, 0, 2, 23, 59).getTime()), '03:04:05.006')
  assert.equal(format.clockTime(at.toISOString(), new Date(2026, 0, 3, 0, 0).getTime()), '2026-01-02 03:04:05.006')
  assert.equal(format.clockTime('soon', at.getTime()), 'soon')
  const zoneBefore = process.env.TZ
  const zoneOf = (name: string): string => {
    process.env.TZ = name
    return format.zone(Date.parse('2026-07-01T12:00:00Z'))
  }
  try {
    const names = ['UTC', 'Europe/Berlin', 'America/St_Johns', 'Asia/Kolkata']
    assert.deepEqual(names.map(zoneOf), ['UTC', 'UTC+2', 'UTC−2:30', 'UTC+5:30'])
  } finally {
    if (zoneBefore === undefined) delete process.env.TZ
    else process.env.TZ = zoneBefore
  }
})

test('quantiles come from what was counted between two looks', () => {
  const series = (counts: readonly number[]): string =>
    ['0.001', '0.01', '+Inf']
      .map(
        (bound, i) =>
          `flotilla_http_request_duration_seconds_bucket{route="/kv/{key}",method="GET",status="200",le="${bound}"} ${counts[i]}`,
      )
      .join('\n')
  const other = 'flotilla_http_request_duration_seconds_bucket{route="/metrics",method="GET",status="200",le="+Inf"} 99'
  const before = requestHistogram(`${series([10, 10, 10])}\n${other}`)
  const after = requestHistogram(`${series([20, 110, 110])}\n${other}`)
  assert.ok(before !== undefined && after !== undefined)
  const recent = since(before, after)
  assert.equal(recent.get(Number.POSITIVE_INFINITY), 100)
  assert.equal(quantile(recent, 0.05), 0.0005)
  assert.ok(Math.abs((quantile(recent, 0.55) ?? 0) - 0.0055) < 1e-9)
  assert.equal(quantile(since(after, after), 0.5), undefined)
  assert.equal(requestHistogram(other), undefined)
})

function shard(id: number, start: string, size: number): Shard {
  return {
    id,
    kind: 'data',
    start,
    end: null,
    epoch: { membership: 1, range: 1 },
    leader: 's1',
    term: 1,
    commitIndex: 1,
    appliedIndex: 1,
    replicas: [],
    bytes: size,
    keys: 0,
    load: { readsPerSecond: 0, writesPerSecond: 0 },
  }
}

test('pieces of the strip are in key order and make one whole, however many shards there are', () => {
  const few = [shard(4, '%FF', 10), shard(2, '', 0), shard(3, 'a', 30), shard(5, '~', 0)]
  assert.deepEqual(
    inKeyOrder(few).map(({ id }) => id),
    [2, 3, 5, 4],
  )
  const [empty, largest] = piecesOf(few)
  assert.ok((largest?.width ?? 0) > 0.5 && (empty?.width ?? 0) > 0.05)
  fc.assert(
    fc.property(
      fc.array(fc.nat(1000), { minLength: 1, maxLength: 500 }),
      fc.integer({ min: 1, max: 50 }),
      (sizes, most) => {
        const shards = sizes.map((size, i) => shard(i + 2, String(i).padStart(4, '0'), size))
        const pieces = piecesOf(shards, most)
        assert.ok(pieces.length <= most)
        assert.deepEqual(
          pieces.flatMap((piece) => piece.shards.map(({ id }) => id)),
          shards.map(({ id }) => id),
        )
        assert.ok(Math.abs(pieces.reduce((sum, { width }) => sum + width, 0) - 1) < 1e-6)
      },
    ),
  )
})

test('command lines can be pasted into a shell', () => {
  const line = commandLine(['put', "it's", 'a b', '$HOME'], 'http://127.0.0.1:8080')
  assert.equal(line, "flotilla put 'it'\\''s' 'a b' '$HOME'")
  assert.equal(commandLine(['status'], 'https://db:1'), 'flotilla status -e https://db:1')
  const dashed = commandLine(['del', ...separated(['-k'])], 'https://db:1')
  assert.equal(dashed, 'flotilla del -e https://db:1 -- -k')
  assert.deepEqual(separated(['k', '-']), ['k', '-'])
  assert.equal(curlLine('DELETE', 'http://h:1/a?b'), "curl -X DELETE 'http://h:1/a?b'")
  assert.deepEqual(keyWords(Uint8Array.of(0xff)), { word: '/w==', flags: ['--key-base64'] })
  assert.deepEqual(keyWords(keys.utf8Bytes('a\nb')), { word: 'YQpi', flags: ['--key-base64'] })
  assert.deepEqual(keyWords(keys.utf8Bytes('ä b')), { word: 'ä b', flags: [] })
})

test('links say what they were made of', () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 1, unit: 'grapheme' }),
      fc.string({ minLength: 1, unit: 'grapheme' }),
      (item, value) => {
        const route = routeOf(link('shards', item, { key: value, none: undefined }))
        assert.deepEqual([route.view, route.item, route.query.get('key'), route.query.size], ['shards', item, value, 1])
      },
    ),
  )
  assert.equal(routeOf('').view, '')
  assert.equal(routeOf('#/shards/%').item, '%')
})

test('a stream of events is split wherever its bytes were cut', () => {
  const text =
    ': hello\n\nretry: 1000\n\nid: 1\nevent: a\ndata: {"x":1}\n\nid: 2\r\nevent: b\r\ndata: y\r\ndata: z\r\n\r\n'
  const expected = [
    { id: '1', type: 'a', data: '{"x":1}' },
    { id: '2', type: 'b', data: 'y\nz' },
  ]
  for (let cut = 0; cut <= text.length; cut++) {
    const splitter = new MessageSplitter()
    assert.deepEqual(
      [...splitter.take(text.slice(0, cut)), ...splitter.take(text.slice(cut))],
      expected,
      `cut at ${cut}`,
    )
  }
})

test('what a view says is text or elements, and nothing else', () => {
  const node = h('p.a.b', { class: 'c', id: 'x' }, 'one', 2, false, null, [undefined, h('b', '<i>')])
  assert.equal(node.properties.class, 'a b c')
  assert.deepEqual(node.children, ['one', '2', { tag: 'b', properties: {}, children: ['<i>'] }])
  assert.deepEqual(h('p', ['x']).children, ['x'])
})
