/** The parser: the same operations for every way of cutting the stream, and no way to make it fail. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { ProtocolParser, type ProtocolSink } from '../../src/broker/parser.ts'

const LIMITS = { controlLineBytesMax: 64, payloadBytesMax: 200 }

/** Writes down all operations; `stopAfter` of them it calls `stop`, as a connection does that has had enough. */
class Recorder implements ProtocolSink {
  readonly operations: unknown[] = []
  readonly parser = new ProtocolParser(this, LIMITS)
  readonly #stopAfter: number

  constructor(stopAfter = Number.POSITIVE_INFINITY) {
    this.#stopAfter = stopAfter
  }

  #record(...operation: unknown[]): void {
    this.operations.push(operation)
    if (this.operations.length >= this.#stopAfter) this.parser.stop()
  }

  connect(json: string): void {
    this.#record('connect', json.trim())
  }
  ping(): void {
    this.#record('ping')
  }
  pong(): void {
    this.#record('pong')
  }
  subscribe(subject: string, queue: string | undefined, sid: string): void {
    this.#record('subscribe', subject, queue, sid)
  }
  unsubscribe(sid: string, max: number): void {
    this.#record('unsubscribe', sid, max)
  }
  publish(subject: string, reply: string | undefined, header: number, bytes: Buffer, start: number, end: number): void {
    assert.equal(bytes.toString('latin1', end, end + 2), '\r\n', 'the line end follows the body')
    this.#record('publish', subject, reply, header, bytes.toString('latin1', start, end))
  }
  violation(error: string): void {
    this.#record('violation', error)
  }
}

function parse(chunks: readonly Uint8Array[], stopAfter?: number): unknown[] {
  const recorder = new Recorder(stopAfter)
  // Each chunk is its own memory, so that a range kept beyond its chunk would show.
  for (const chunk of chunks) recorder.parser.feed(Buffer.from(chunk))
  return recorder.operations
}

function cut(stream: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [...new Set(places.map((place) => place % (stream.length + 1)))].sort((a, b) => a - b)
  return [0, ...sorted].map((from, i) => stream.subarray(from, sorted[i] ?? stream.length))
}

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')

const word = fc
  .array(fc.constantFrom(...'abcdefgh.*>_$\xe9\x01'.split('')), { minLength: 1, maxLength: 6 })
  .map((characters) => characters.join(''))
const gap = fc.constantFrom(' ', '  ', '\t', ' \t ')
const lineEnd = fc.constantFrom('\r\n', '\n', ' \r\n')
const body = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('latin1'))

/** A valid operation: its bytes and what the sink should hear of it. */
const operation: fc.Arbitrary<{ bytes: string; heard: unknown[] | undefined }> = fc.oneof(
  fc.tuple(lineEnd).map(([end]) => ({ bytes: `PING${end}`, heard: ['ping'] })),
  fc.tuple(lineEnd).map(([end]) => ({ bytes: `pong${end}`, heard: ['pong'] })),
  fc.tuple(lineEnd).map(([end]) => ({ bytes: `+OK${end}`, heard: undefined })),
  fc.tuple(gap, lineEnd).map(([g, end]) => ({ bytes: `CONNECT${g}{"a": 1}${end}`, heard: ['connect', '{"a": 1}'] })),
  fc.tuple(word, fc.option(word, { nil: undefined }), word, gap, lineEnd).map(([subject, queue, sid, g, end]) => ({
    bytes: `Sub${g}${subject}${g}${queue === undefined ? '' : queue + g}${sid}${end}`,
    heard: ['subscribe', subject, queue, sid],
  })),
  fc
    .tuple(word, fc.nat({ max: 1000 }), gap, lineEnd)
    .map(([sid, max, g, end]) => ({ bytes: `UNSUB${g}${sid}${g}${max}${end}`, heard: ['unsubscribe', sid, max] })),
  fc.tuple(word, fc.option(word, { nil: undefined }), body, gap, lineEnd).map(([subject, reply, payload, g, end]) => ({
    bytes: `PUB${g}${subject}${g}${reply === undefined ? '' : reply + g}${payload.length}${end}${payload}\r\n`,
    heard: ['publish', subject, reply, -1, payload],
  })),
  fc
    .tuple(word, fc.option(word, { nil: undefined }), body, fc.nat(), gap, lineEnd)
    .map(([subject, reply, payload, cutAt, g, end]) => {
      const header = cutAt % (payload.length + 1)
      const sizes = `${header}${g}${payload.length}`
      return {
        bytes: `HPUB${g}${subject}${g}${reply === undefined ? '' : reply + g}${sizes}${end}${payload}\r\n`,
        heard: ['publish', subject, reply, header, payload],
      }
    }),
)

/** Bytes that look like the protocol and are not quite. */
const nearly = fc
  .array(
    fc.oneof(
      operation.map(({ bytes }) => bytes),
      fc.constantFrom(
        'PUB ',
        'HPUB a ',
        'SUB',
        ' ',
        '\r\n',
        '\n',
        '\r',
        '\0',
        '5',
        '-1',
        'INFO',
        'CONNECT {',
        'x'.repeat(70),
      ),
      fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    ),
    { maxLength: 12 },
  )
  .map((parts) => latin1(parts.join('')))

const places = fc.array(fc.nat({ max: 3000 }), { maxLength: 30 })

describe('the protocol parser', () => {
  test('hears what was said, however it was cut', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 12 }), places, (operations, cuts) => {
        const stream = latin1(operations.map(({ bytes }) => bytes).join(''))
        const heard = operations.map((each) => each.heard).filter((each) => each !== undefined)
        assert.deepEqual(parse(cut(stream, cuts)), heard)
        assert.deepEqual(parse([stream]), heard)
      }),
      { numRuns: 300 },
    )
  })

  test('hears the same of nonsense whether whole, cut, or byte by byte', () => {
    fc.assert(
      fc.property(nearly, places, (stream, cuts) => {
        const whole = parse([stream])
        assert.deepEqual(parse(cut(stream, cuts)), whole)
        assert.deepEqual(parse([...stream].map((byte) => Buffer.of(byte))), whole)
      }),
      { numRuns: 1000 },
    )
  })

  test('takes any bytes without throwing, and nothing after a violation', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }), (chunks) => {
        const heard = parse(chunks) as unknown[][]
        const violations = heard.filter(([what]) => what === 'violation')
        assert.ok(violations.length <= 1)
        if (violations.length === 1) assert.equal(heard.at(-1)?.[0], 'violation')
      }),
      { numRuns: 500 },
    )
  })

  test('takes nothing after the sink stopped it', () => {
    fc.assert(
      fc.property(
        fc.array(operation, { maxLength: 12 }),
        places,
        fc.integer({ min: 1, max: 12 }),
        (operations, cuts, stopAfter) => {
          const stream = latin1(operations.map(({ bytes }) => bytes).join(''))
          assert.deepEqual(parse(cut(stream, cuts), stopAfter), parse([stream]).slice(0, stopAfter))
        },
      ),
      { numRuns: 200 },
    )
  })

  test('limits lines exactly, with either line end and at every cut', () => {
    for (const end of ['\r\n', '\n']) {
      for (const [length, isAllowed] of [
        [64, true],
        [65, false],
        [66, false],
        [100, false],
      ] as const) {
        const stream = latin1(`SUB ${'s'.repeat(length - 6)} 1${end}PING\r\n`)
        const expected = isAllowed
          ? [['subscribe', 's'.repeat(length - 6), undefined, '1'], ['ping']]
          : [['violation', 'maximum control line exceeded']]
        for (let place = 0; place <= stream.length; place++) {
          assert.deepEqual(parse(cut(stream, [place])), expected, `${length} bytes cut at ${place}`)
        }
      }
    }
  })

  test('limits payloads before they come', () => {
    assert.deepEqual(parse([latin1('PUB a 201\r\n')]), [['violation', 'Maximum Payload Violation']])
    assert.deepEqual(parse([latin1('HPUB a 1 201\r\n')]), [['violation', 'Maximum Payload Violation']])
    assert.deepEqual(parse([latin1('PUB a 200\r\n')]), [])
  })

  test('does not copy a payload that lies in one chunk', () => {
    const chunk = latin1('PUB a 5\r\nhello\r\n')
    const seen: Buffer[] = []
    const recorder = new Recorder()
    recorder.publish = (_subject, _reply, _header, bytes) => void seen.push(bytes)
    recorder.parser.feed(chunk)
    assert.equal(seen[0], chunk)
  })

  test('joins a payload of many chunks in one buffer of its size', () => {
    const limits = { controlLineBytesMax: 64, payloadBytesMax: 1 << 20 }
    const payload = Buffer.alloc(1 << 20, 'abcdefg')
    const stream = Buffer.concat([latin1(`PUB a ${payload.length}\r\n`), payload, latin1('\r\n')])
    const recorder = new Recorder()
    const seen: [Buffer, number, number][] = []
    recorder.publish = (_subject, _reply, _header, bytes, start, end) => void seen.push([bytes, start, end])
    const parser = new ProtocolParser(recorder, limits)
    for (let from = 0; from < stream.length; from += 1000) parser.feed(stream.subarray(from, from + 1000))
    assert.equal(seen.length, 1)
    const [bytes, start, end] = seen[0] ?? [Buffer.alloc(0), 0, 0]
    assert.equal(bytes.length, payload.length + 2)
    assert.ok(bytes.subarray(start, end).equals(payload))
  })
})
