/**
 * The bytes of key-value results, inside replies to writes.
 *
 *   1  result: 0 operations, 1 aborted, 2 delete-range, 3 stale-epoch, 4 malformed
 *
 *   operations    2  number of results, each:
 *                    1  0 put               8 revision
 *                       1 delete            1 deleted, 8 revision
 *                       2 get, absent
 *                       3 get, found        8 revision, 4 length of value, value
 *                       4 condition failed, key absent
 *                       5 condition failed  8 revision
 *   aborted       2  index, 1 key exists, 8 revision (0 when it does not)
 *   delete-range  4  deleted, 1 more
 *   malformed     2  length of reason, reason (latin-1)
 */
import { unreachable } from '../base/index.ts'
import type { ByteReader, ByteWriter, KvOperationResult, KvResult } from '../machine/index.ts'

const REASON_CHARS_MAX = 500

export function kvResultBytes(result: KvResult): number {
  switch (result.kind) {
    case 'operations': {
      let bytes = 3
      for (const operation of result.results) bytes += operationResultBytes(operation)
      return bytes
    }
    case 'aborted':
      return 12
    case 'delete-range':
      return 6
    case 'stale-epoch':
      return 1
    case 'malformed':
      return 3 + Math.min(result.reason.length, REASON_CHARS_MAX)
    default:
      return unreachable(result)
  }
}

function operationResultBytes(result: KvOperationResult): number {
  switch (result.kind) {
    case 'put':
      return 9
    case 'delete':
      return 10
    case 'get':
      return result.found ? 13 + result.value.length : 1
    case 'condition-failed':
      return result.revision === undefined ? 1 : 9
    default:
      return unreachable(result)
  }
}

export function writeKvResult(writer: ByteWriter, result: KvResult): void {
  switch (result.kind) {
    case 'operations':
      writer.u8(0).u16(result.results.length)
      for (const operation of result.results) writeOperationResult(writer, operation)
      return
    case 'aborted':
      writer
        .u8(1)
        .u16(result.index)
        .flag(result.revision !== undefined)
        .u53(result.revision ?? 0)
      return
    case 'delete-range':
      writer.u8(2).u32(result.deleted).flag(result.more)
      return
    case 'stale-epoch':
      writer.u8(3)
      return
    case 'malformed': {
      const reason = result.reason.slice(0, REASON_CHARS_MAX)
      writer.u8(4).u16(reason.length).latin1(reason)
      return
    }
    default:
      unreachable(result)
  }
}

function writeOperationResult(writer: ByteWriter, result: KvOperationResult): void {
  switch (result.kind) {
    case 'put':
      writer.u8(0).u53(result.revision)
      return
    case 'delete':
      writer.u8(1).flag(result.deleted).u53(result.revision)
      return
    case 'get':
      if (result.found) writer.u8(3).u53(result.revision).u32(result.value.length).bytes(result.value)
      else writer.u8(2)
      return
    case 'condition-failed':
      if (result.revision === undefined) writer.u8(4)
      else writer.u8(5).u53(result.revision)
      return
    default:
      unreachable(result)
  }
}

/** Marks the reader as failed when there is no result; what it answers then means nothing. */
export function readKvResult(reader: ByteReader): KvResult {
  switch (reader.u8()) {
    case 0: {
      const count = reader.u16()
      const results: KvOperationResult[] = []
      for (let i = 0; i < count && !reader.failed; i++) results.push(readOperationResult(reader))
      return { kind: 'operations', results }
    }
    case 1: {
      const index = reader.u16()
      const exists = reader.flag()
      const revision = reader.u53()
      if (!exists && revision !== 0) reader.fail()
      return { kind: 'aborted', index, revision: exists ? revision : undefined }
    }
    case 2:
      return { kind: 'delete-range', deleted: reader.u32(), more: reader.flag() }
    case 3:
      return { kind: 'stale-epoch' }
    case 4:
      return { kind: 'malformed', reason: reader.latin1(reader.u16()) }
    default:
      reader.fail()
      return { kind: 'stale-epoch' }
  }
}

function readOperationResult(reader: ByteReader): KvOperationResult {
  switch (reader.u8()) {
    case 0:
      return { kind: 'put', revision: reader.u53() }
    case 1:
      return { kind: 'delete', deleted: reader.flag(), revision: reader.u53() }
    case 2:
      return { kind: 'get', found: false }
    case 3: {
      const revision = reader.u53()
      return { kind: 'get', found: true, value: reader.bytes(reader.u32()), revision }
    }
    case 4:
      return { kind: 'condition-failed', revision: undefined }
    case 5:
      return { kind: 'condition-failed', revision: reader.u53() }
    default:
      reader.fail()
      return { kind: 'get', found: false }
  }
}
