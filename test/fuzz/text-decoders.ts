/** The decoders of what people and programs write: HTTP, configuration, recorded histories. See `decoder.ts` for what an item says. */
import { keyFromPathText } from '../../shard-map/index.ts'
import { parseTraceParent } from '../../src/base/index.ts'
import { parseConditions } from '../../src/gateway/conditions.ts'
import { decodeCursor, encodeCursor } from '../../src/gateway/cursor.ts'
import { decodeDocument, encodeMsgpack } from '../../src/gateway/document.ts'
import { base64Decode, base64UrlDecode, percentDecode } from '../../src/gateway/percent.ts'
import { Query } from '../../src/gateway/query.ts'
import { parseTimeoutMs, preferredType } from '../../src/gateway/request-headers.ts'
import { parseBatch } from '../../src/gateway/routes/batch.ts'
import { parseTarget } from '../../src/gateway/target.ts'
import { FlotillaError } from '../../src/protocol/index.ts'
import { parseServer } from '../../src/server/broker-host.ts'
import { parseListen } from '../../src/server/config/address.ts'
import type { StartedWith } from '../../src/server/config/effective.ts'
import { readFileLayer } from '../../src/server/config/file-layer.ts'
import { loadConfig } from '../../src/server/config/load.ts'
import { planPatch } from '../../src/server/config/patch.ts'
import { environmentName, readEnvironmentLayer, readFlagLayer } from '../../src/server/config/text-layer.ts'
import { parseBytes, parseDurationMs } from '../../src/server/config/units.ts'
import { formatHistory, parseHistory } from '../../src/testing/index.ts'
import { bytesOf, type Decoder, textOf } from './decoder.ts'

const isRefusal = (error: unknown): boolean => error instanceof FlotillaError && error.code !== 'INTERNAL'
const VALUE_BYTES_MAX = 1024 * 1024
const CURSOR_QUERY = 'GET /kv?prefix=a'

const BATCH = {
  atomic: true,
  ops: [
    { op: 'put', key: 'a', value: 'b', ifAbsent: true },
    { op: 'put', key: 'YQ==', keyEncoding: 'base64', value: 'Yg==', encoding: 'base64' },
    { op: 'delete', key: 'a', ifRevision: 5 },
    { op: 'get', key: 'a' },
  ],
}

const YAML = [
  'cluster: { id: dev, bootstrap: { stores: [s1, s2, s3], replicas: 3 } }',
  'store: { id: s1, dir: ./data/s1, labels: { zone: z1 } }',
  'transport:\n  servers: [nats://127.0.0.1:4222]\n  embedded: auto\nraft: { tickMs: 50 }',
  'a: &x [1, 2]\nb: *x\nstorage: { segmentBytes: 64MiB }',
  '{"store": {"id": "s1"}}',
]

function useQuery(text: string): boolean {
  const query = new Query(text)
  for (const name of ['prefix', 'limit', 'wait', 'reverse']) {
    query.bytes(name)
    query.bound(name)
    query.text(name)
  }
  query.boolean('reverse')
  query.count('limit', 1000)
  query.durationMs('wait', 60_000)
  query.consistency()
  return true
}

const STARTED = started()

function started(): StartedWith {
  const loaded = loadConfig({ env: {} })
  if (!loaded.ok) throw new Error('the defaults are no configuration')
  return loaded
}

/** Lines of `name=value`, as in an environment or after `--set`. */
function pairs(bytes: Uint8Array): Record<string, string> {
  const found: Record<string, string> = {}
  for (const line of textOf(bytes).split('\n')) {
    const mark = line.indexOf('=')
    if (mark > 0) found[line.slice(0, mark)] = line.slice(mark + 1)
  }
  return found
}

export const TEXT_DECODERS: readonly Decoder[] = [
  {
    name: 'HTTP target',
    covers: ['src/gateway/target.ts#parseTarget'],
    decode: (bytes) => parseTarget(textOf(bytes)).kind === 'key',
    seeds: ['/kv/a%20b?x=1', '/kv64/YQ', 'http://host:80/kv/a', 'HTTPS://h/kv/?'].map(bytesOf),
  },
  {
    name: 'HTTP query',
    covers: ['src/gateway/query.ts#Query'],
    decode: (bytes) => useQuery(textOf(bytes)),
    seeds: ['prefix=a%2Fb&limit=10&reverse=true', 'wait=30s&consistency=stale', ''].map(bytesOf),
    allows: isRefusal,
  },
  {
    name: 'percent-encoding',
    covers: ['src/gateway/percent.ts#percentDecode', 'shard-map/key.ts#keyFromPathText'],
    decode: (bytes) => {
      keyFromPathText(textOf(bytes))
      return percentDecode(textOf(bytes)) !== undefined
    },
    seeds: ['a%20b%ff', '%%'.slice(2), 'plain'].map(bytesOf),
  },
  {
    name: 'base64',
    covers: ['src/gateway/percent.ts#base64UrlDecode', 'src/gateway/percent.ts#base64Decode'],
    decode: (bytes) => {
      base64Decode(textOf(bytes))
      return base64UrlDecode(textOf(bytes)) !== undefined
    },
    seeds: ['YWJj', 'YQ==', '_-8'].map(bytesOf),
  },
  {
    name: 'HTTP conditions',
    covers: ['src/gateway/conditions.ts#parseConditions'],
    decode: (bytes) => {
      const [ifMatch, ifNoneMatch] = textOf(bytes).split('\n')
      return parseConditions(ifMatch === '' ? undefined : ifMatch, ifNoneMatch).kind !== 'none'
    },
    seeds: ['"42"', '*', '\n*'].map(bytesOf),
    allows: isRefusal,
  },
  {
    name: 'HTTP headers',
    covers: ['src/gateway/request-headers.ts#parseTimeoutMs', 'src/base/trace-parent.ts#parseTraceParent'],
    decode: (bytes) => {
      const text = textOf(bytes)
      parseTraceParent(text)
      preferredType(text, ['application/json', 'text/csv'])
      return parseTimeoutMs(text) > 0
    },
    seeds: ['5000', '60000'].map(bytesOf),
    allows: isRefusal,
  },
  {
    name: 'batch body in JSON',
    covers: [
      'src/gateway/document.ts#decodeDocument',
      'src/gateway/document-shape.ts#checkJsonShape',
      'src/gateway/routes/batch.ts#parseBatch',
    ],
    decode: (bytes) => parseBatch(decodeDocument(bytes, 'json'), VALUE_BYTES_MAX).operations.length >= 0,
    seeds: [bytesOf(JSON.stringify(BATCH)), bytesOf('{"ops":[]}')],
    allows: isRefusal,
  },
  {
    name: 'batch body in MessagePack',
    covers: ['src/gateway/document-shape.ts#checkMsgpackShape'],
    decode: (bytes) => parseBatch(decodeDocument(bytes, 'msgpack'), VALUE_BYTES_MAX).operations.length >= 0,
    seeds: [
      encodeMsgpack(BATCH),
      encodeMsgpack({ ops: [{ op: 'put', key: Buffer.from('a'), value: Buffer.from('b') }] }),
    ],
    allows: isRefusal,
  },
  {
    name: 'cursor',
    covers: ['src/gateway/cursor.ts#decodeCursor'],
    decode: (bytes) => decodeCursor(CURSOR_QUERY, textOf(bytes)).length >= 0,
    seeds: ['', 'apple', '\u0000\u00ff'].map((position) => bytesOf(encodeCursor(CURSOR_QUERY, position))),
    allows: isRefusal,
  },
  {
    name: 'configuration file',
    covers: ['src/server/config/file-layer.ts#readFileLayer'],
    decode: (bytes) => readFileLayer(textOf(bytes), 'flotilla.yaml').errors.length === 0,
    seeds: [YAML[0], YAML[1], YAML[2]].map((text) => bytesOf(text ?? '')),
    // A document tree with places of all its nodes.
    bytesPerByteMax: 4000,
  },
  {
    name: 'configuration environment',
    covers: ['src/server/config/text-layer.ts#readEnvironmentLayer'],
    decode: (bytes) => {
      const env = pairs(bytes)
      return loadConfig({ env }).ok && readEnvironmentLayer(env).errors.length === 0
    },
    seeds: [bytesOf(`${environmentName('raft.tickMs')}=50\n${environmentName('store.id')}=s1`)],
    bytesPerByteMax: 4000,
  },
  {
    name: 'configuration flags',
    covers: ['src/server/config/text-layer.ts#readFlagLayer', 'src/server/config/load.ts#loadConfig'],
    decode: (bytes) => {
      const flags = pairs(bytes)
      return loadConfig({ env: {}, flags }).ok && readFlagLayer(flags).errors.length === 0
    },
    seeds: [bytesOf('raft.tickMs=50\nstore.id=s1\nstorage.segmentBytes=64MiB')],
    bytesPerByteMax: 4000,
  },
  {
    name: 'configuration patch',
    covers: ['src/server/config/parse-setting.ts#parseSetting'],
    decode: (bytes) => planPatch(STARTED, new Map(), decodeDocument(bytes, 'json')).ok,
    allows: isRefusal,
    seeds: [bytesOf('{"placement":{"downAfter":"9s","split":{"bytes":5e8}},"gateway":{"limits":null}}')],
    bytesPerByteMax: 4000,
  },
  {
    name: 'addresses and units',
    covers: [
      'src/server/config/address.ts#parseListen',
      'src/server/config/units.ts#parseBytes',
      'src/server/config/units.ts#parseDurationMs',
      'src/server/broker-host.ts#parseServer',
    ],
    decode: (bytes) => {
      const text = textOf(bytes)
      parseServer(text)
      return [parseListen(text), parseBytes(text), parseDurationMs(text)].some((value) => value !== undefined)
    },
    seeds: ['127.0.0.1:8080', '[::1]:80', '64MiB', '5m'].map(bytesOf),
  },
  {
    name: 'recorded history',
    covers: ['src/testing/check/history-lines.ts#parseHistory'],
    decode: (bytes) => parseHistory(textOf(bytes)).kind === 'history',
    seeds: [
      bytesOf(
        formatHistory([
          {
            client: 'c',
            key: 'k',
            action: { kind: 'put', value: 'v', condition: { kind: 'revision', revision: 4 } },
            calledMs: 1,
            returnedMs: 2,
            outcome: { kind: 'written', revision: 5 },
          },
        ]),
      ),
    ],
  },
]
