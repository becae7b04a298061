/**
 * What a request may carry beside its own fields, so that a version can say more without being refused by one before it. Called by the request codec, which
 * sets a bit where there are extensions; most requests have none.
 *
 *   0  2  bytes of all extensions that follow, each:
 *         1 tag   1 length   bytes
 *
 * A tag below 128 may be left out by who does not know it: with a length that it does not expect, too. One from 128 on changes what the request means, and
 * who does not know it must refuse.
 *
 *   1  24  trace context
 *   2  14  voucher of a get or scan: 6 replica, 8 term
 */
import type { TraceContext } from '../base/index.ts'
import { ByteReader, type ByteWriter } from '../machine/index.ts'
import type { Voucher } from './requests.ts'
import { readTraceContext, TRACE_CONTEXT_BYTES, writeTraceContext } from './trace-context-codec.ts'

const LENGTH_BYTES = 2
const ITEM_HEADER_BYTES = 2
const TAG_TRACE = 1
const TAG_VOUCHER = 2
const VOUCHER_BYTES = 14
const TAG_ESSENTIAL = 0x80

export interface Extensions {
  readonly trace?: TraceContext | undefined
  readonly voucher?: Voucher | undefined
}

/** What `writeExtensions` will write; 0 when there is nothing to write. */
export function extensionBytes({ trace, voucher }: Extensions): number {
  if (trace === undefined && voucher === undefined) return 0
  return (
    LENGTH_BYTES +
    (trace === undefined ? 0 : ITEM_HEADER_BYTES + TRACE_CONTEXT_BYTES) +
    (voucher === undefined ? 0 : ITEM_HEADER_BYTES + VOUCHER_BYTES)
  )
}

export function writeExtensions(writer: ByteWriter, extensions: Extensions): ByteWriter {
  const { trace, voucher } = extensions
  writer.u16(extensionBytes(extensions) - LENGTH_BYTES)
  if (trace !== undefined) writeTraceContext(writer.u8(TAG_TRACE).u8(TRACE_CONTEXT_BYTES), trace)
  if (voucher !== undefined) writer.u8(TAG_VOUCHER).u8(VOUCHER_BYTES).u48(voucher.replica).u53(voucher.term)
  return writer
}

/** Text: why the request must be refused. */
export function readExtensions(reader: ByteReader): Extensions | string {
  const items = new ByteReader(reader.bytes(reader.u16()))
  let trace: TraceContext | undefined
  let voucher: Voucher | undefined
  while (items.remaining > 0) {
    const tag = items.u8()
    const bytes = items.bytes(items.u8())
    if (items.failed) break
    if (tag >= TAG_ESSENTIAL) return `extension ${tag} is not known here`
    if (tag === TAG_TRACE && bytes.length === TRACE_CONTEXT_BYTES) trace = readTraceContext(new ByteReader(bytes))
    if (tag === TAG_VOUCHER && bytes.length === VOUCHER_BYTES) voucher = readVoucher(new ByteReader(bytes))
  }
  if (reader.failed || items.failed) return 'damaged extensions'
  return { trace, voucher }
}

function readVoucher(reader: ByteReader): Voucher | undefined {
  const replica = reader.u48()
  const term = reader.u53()
  return reader.failed ? undefined : { replica, term }
}
