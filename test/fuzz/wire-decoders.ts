/** The decoders of what crosses a wire: frames, messages, requests, replies, the broker's protocol. See `decoder.ts` for what an item says. */
import fc from 'fast-check'
import { parseConnectOptions } from '../../src/broker/connect-options.ts'
import { ProtocolParser } from '../../src/broker/parser.ts'
import {
  decodeMembership,
  decodeRaftMessage,
  decodeReply,
  decodeRequest,
  decodeSnapshotItem,
  decodeTraceNote,
  encodeMembership,
  encodeRaftMessage,
  encodeReply,
  encodeRequest,
  encodeSnapshotItem,
  encodeTraceNote,
  withTrace,
} from '../../src/protocol/index.ts'
import { decodeMembershipChange, encodeMembershipChange } from '../../src/raft/membership-codec.ts'
import { Assembly, AssemblyBudget } from '../../src/transport/assembly.ts'
import { FRAME_VERSION, FrameReader, FrameWriter, readFrame } from '../../src/transport/frame.ts'
import { MsgpackReader } from '../../src/transport/msgpack-reader.ts'
import { coldReply, coldRequest, hotReply, hotRequest, membership, message } from '../protocol/arbitraries.ts'
import { bytesOf, type Decoder, textOf } from './decoder.ts'

const SAMPLES = { seed: 11, numRuns: 40 }

function samples<T>(arbitrary: fc.Arbitrary<T>, encode: (value: T) => Uint8Array): Uint8Array[] {
  return fc.sample(arbitrary, SAMPLES).map(encode)
}

const BODY = Buffer.from('a body')
const TRACE = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' }

function frames(): Uint8Array[] {
  const writer = new FrameWriter()
  const header = [FRAME_VERSION, 's1', 'incarnation', 77, 78, 1000, 2000]
  const entries = [
    [],
    [0, BODY],
    [1, 5, 3000, BODY, 0, BODY],
    [2, 5, BODY],
    [3, 0, 1, 0, 20, BODY],
    [4, 0, 1, 6, BODY],
    [5],
    [6, 1],
  ]
  return entries.map((entry) => writer.write([...header, ...entry]))
}

const reader = new FrameReader()

function acceptFrame(bytes: Uint8Array): boolean {
  const isFrame = reader.read(bytes)
  const entries = readFrame(bytes)
  if (isFrame !== (entries !== undefined) || (entries?.length ?? 0) !== (isFrame ? reader.kinds.length : 0))
    throw new Error('the two readers of a frame disagree')
  if (!isFrame) return false
  const budget = new AssemblyBudget()
  const assembly = new Assembly(budget)
  reader.kinds.forEach((kind, i) => {
    const [whole = 0, id = 0, place = 0, body = BODY] = [
      reader.wholes[i],
      reader.ids[i],
      reader.places[i],
      reader.bodies[i],
    ]
    if (kind === 3) assembly.begin(whole, id, 0, place, body, 0)
    else if (kind === 4) assembly.add(whole, id, place, body, 0)
  })
  assembly.drop()
  if (budget.bytes !== 0) throw new Error(`the budget of assemblies leaks ${budget.bytes} bytes`)
  return true
}

const BROKER_LIMITS = { controlLineBytesMax: 4096, payloadBytesMax: 16 * 1024 }
const CONNECT_DEFAULTS = {
  verbose: false,
  pedantic: false,
  echo: true,
  headers: false,
  noResponders: false,
  protocol: 0,
  user: undefined,
  password: undefined,
  token: undefined,
  name: undefined,
}

/** Feeds the same bytes whole and byte by byte: both must say the same. */
function parseBroker(bytes: Uint8Array): boolean {
  const whole = brokerOperations(bytes, bytes.length)
  const pieces = brokerOperations(bytes, 1 + (bytes.length % 7))
  if (whole.join('\n') !== pieces.join('\n')) throw new Error('the protocol parser depends on how bytes are cut')
  return whole.length > 0 && !whole.some((operation) => operation.startsWith('violation'))
}

function brokerOperations(bytes: Uint8Array, step: number): string[] {
  const seen: string[] = []
  const parser = new ProtocolParser(
    {
      connect: (json) => seen.push(`connect ${json}`),
      ping: () => seen.push('ping'),
      pong: () => seen.push('pong'),
      subscribe: (subject, queue, sid) => seen.push(`sub ${subject} ${queue} ${sid}`),
      unsubscribe: (sid, max) => seen.push(`unsub ${sid} ${max}`),
      publish: (subject, reply, headerBytes, data, start, end) =>
        seen.push(`pub ${subject} ${reply} ${headerBytes} ${data.toString('latin1', start, end)}`),
      violation: (error) => seen.push(`violation ${error}`),
    },
    BROKER_LIMITS,
  )
  for (let at = 0; at < bytes.length; at += Math.max(1, step))
    parser.feed(Buffer.from(bytes.subarray(at, at + Math.max(1, step))))
  return seen
}

const IN_REQUESTS = [
  'src/protocol/request-extensions.ts#readExtensions',
  'src/protocol/shard-request-codec.ts#readShardRequest',
  'src/protocol/shard-request-codec.ts#readKey',
  'src/protocol/heartbeat-codec.ts#readHeartbeat',
  'src/protocol/heartbeat-codec.ts#readConfig',
  'src/protocol/field-reader.ts#FieldReader',
  'src/protocol/operate-codec.ts#readOperate',
]
const IN_REPLIES = [
  'src/protocol/error-codec.ts#readError',
  'src/protocol/error-codec.ts#readShards',
  'src/protocol/kv-result-codec.ts#readKvResult',
  'src/protocol/operate-codec.ts#readOperateAnswer',
  'src/protocol/heartbeat-codec.ts#readHeartbeatAnswer',
  'src/protocol/heartbeat-codec.ts#readLeaders',
  'src/protocol/description-codec.ts#readDescription',
  'src/protocol/description-codec.ts#readPlacementStatus',
]

export const WIRE_DECODERS: readonly Decoder[] = [
  {
    name: 'frame',
    covers: [
      'src/transport/frame.ts#FrameReader',
      'src/transport/frame.ts#readFrame',
      'src/transport/msgpack-reader.ts#MsgpackReader',
      'src/transport/assembly.ts#Assembly',
    ],
    decode: acceptFrame,
    seeds: frames(),
    // A first fragment reserves what it announces, which the budget of the transport limits.
    reservedBytes: 128 * 1024 * 1024,
  },
  {
    name: 'msgpack reader',
    covers: [],
    decode: (bytes) => {
      const values = new MsgpackReader()
      values.open(bytes)
      const count = values.array()
      for (let i = 0; i < count && !values.failed; i++) {
        if (i % 3 === 0) values.uint()
        else if (i % 3 === 1) values.text(64)
        else values.bin()
      }
      return !values.failed && values.atEnd
    },
    seeds: [Uint8Array.of(0x90), Uint8Array.of(0x93, 0x05, 0xa2, 0x61, 0x62, 0xc4, 0x01, 0x07)],
  },
  {
    name: 'raft message',
    covers: ['src/protocol/raft-codec.ts#decodeRaftMessage', 'src/protocol/membership-codec.ts#readMembership'],
    decode: (bytes) => decodeRaftMessage(bytes).ok,
    seeds: samples(message, (value) => encodeRaftMessage(7, value)),
  },
  {
    name: 'membership',
    covers: ['src/protocol/membership-codec.ts#decodeMembership'],
    decode: (bytes) => decodeMembership(bytes).ok,
    seeds: samples(membership, encodeMembership),
  },
  {
    name: 'membership change',
    covers: ['src/raft/membership-codec.ts#decodeMembershipChange'],
    decode: (bytes) => decodeMembershipChange(bytes).ok,
    seeds: [
      encodeMembershipChange({ transition: 'auto', operations: [], context: new Uint8Array(0) }),
      encodeMembershipChange({
        transition: 'joint-explicit',
        operations: [
          { kind: 'add-voter', replica: 4 },
          { kind: 'remove', replica: 2 ** 40 },
        ],
        context: BODY,
      }),
    ],
  },
  {
    name: 'request',
    covers: ['src/protocol/request-codec.ts#decodeRequest', ...IN_REQUESTS],
    decode: (bytes) => decodeRequest(bytes).ok,
    seeds: [
      ...samples(hotRequest, encodeRequest),
      ...samples(coldRequest, encodeRequest),
      ...samples(hotRequest, (request) => encodeRequest(withTrace(request, TRACE))),
    ],
  },
  {
    name: 'trace note',
    covers: [
      'src/protocol/trace-note-codec.ts#decodeTraceNote',
      'src/protocol/trace-context-codec.ts#readTraceContext',
    ],
    decode: (bytes) => decodeTraceNote(bytes) !== undefined,
    seeds: [encodeTraceNote({ group: 2, index: 3, term: 4, context: TRACE })],
  },
  {
    name: 'reply',
    covers: ['src/protocol/reply-codec.ts#decodeReply', ...IN_REPLIES],
    decode: (bytes) => decodeReply(bytes).ok,
    seeds: [...samples(hotReply, encodeReply), ...samples(coldReply, encodeReply)],
  },
  {
    name: 'snapshot item',
    covers: ['src/protocol/snapshot-codec.ts#decodeSnapshotItem'],
    decode: (bytes) => decodeSnapshotItem(bytes) !== undefined,
    seeds: [
      encodeSnapshotItem({ kind: 'chunk', transfer: 9, sequence: 3, bytes: BODY }),
      encodeSnapshotItem({ kind: 'end', transfer: 9, chunks: 4 }),
      encodeSnapshotItem({ kind: 'acknowledged', transfer: 9, sequence: 3 }),
      encodeSnapshotItem({ kind: 'aborted', transfer: 9, reason: 'full' }),
    ],
  },
  {
    name: 'broker protocol',
    covers: ['src/broker/parser.ts#ProtocolParser'],
    decode: parseBroker,
    seeds: [
      'CONNECT {"verbose":false}\r\nPING\r\n',
      'SUB a.b 1\r\nUNSUB 1 5\r\n',
      'SUB a.* queue 2\nPUB a.b reply 5\r\nhello\r\n',
      'HPUB a 12 14\r\nNATS/1.0\r\n\r\nhi\r\n',
      'ping\r\nPONG\r\n',
    ].map(bytesOf),
  },
  {
    name: 'broker CONNECT',
    covers: ['src/broker/connect-options.ts#parseConnectOptions'],
    decode: (bytes) => parseConnectOptions(textOf(bytes), CONNECT_DEFAULTS) !== undefined,
    seeds: ['{}', '{"verbose":true,"user":"u","pass":"p","protocol":1,"name":null}'].map(bytesOf),
  },
]
