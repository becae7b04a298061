/**
 * The state machine of a data shard: applies key-value commands to the shard's records. Its own state is a counter, the revision
 * of the last applied write. It knows the shard's range and epoch only to refuse what was routed by an older picture; where they change, the
 * store restores a new machine from the old one's state in that very place of the log, so that every replica decides alike.
 *
 * Revisions: each put, each delete of a present key and each key of a range delete takes the next number. A failed condition, an
 * aborted command and the delete of an absent key take none. A split copies the counter, a merge continues from the
 * larger one: two writes of one key never share a revision, also when the key was deleted in between.
 */
import { assert, present, unreachable } from '../../base/index.ts'
import type { MachineData, Needs, StateMachine } from '../machine.ts'
import { commandReads, decodeKvCommand, isForeignCommand, readsRecord } from './command.ts'
import { decodeRecord, encodeRecord, recordRevision } from './record.ts'
import type { KvCommand, KvCondition, KvOperation, KvOperationResult, KvResult } from './types.ts'

/** What the machine wants to know of its shard. */
export interface KvShard {
  readonly start: string
  readonly end: string | undefined
  readonly epoch: { readonly range: number }
}

/**
 * The saved state:
 *   0  1  format: 1
 *   1  7  revision, big-endian
 */
const STATE_FORMAT = 1
const STATE_BYTES = 8

const STALE_EPOCH: KvResult = { kind: 'stale-epoch' }
const ABSENT: KvOperationResult = { kind: 'get', found: false }

/** The records as an atomic command sees and changes them before it is known whether it happens at all. */
type Staged = Map<string, Uint8Array | undefined>

export class KvMachine implements StateMachine<KvResult> {
  readonly #shard: KvShard
  #revision: number

  constructor(shard: KvShard, revision = 0) {
    assert(Number.isSafeInteger(revision) && revision >= 0, `revision ${revision} is not a counter`)
    this.#shard = shard
    this.#revision = revision
  }

  /** The machine as `save` described it, or why the bytes describe none. */
  static restore(
    saved: Uint8Array,
    shard: KvShard,
  ): KvMachine | { readonly kind: 'malformed'; readonly reason: string } {
    if (saved.length !== STATE_BYTES || saved[0] !== STATE_FORMAT) {
      return { kind: 'malformed', reason: `${saved.length} bytes of format ${saved[0]} are no key-value state` }
    }
    const revision = recordRevision(saved)
    if (revision === undefined) return { kind: 'malformed', reason: 'the revision is out of range' }
    return new KvMachine(shard, revision)
  }

  /** The revision of the last applied write, 0 before the first. */
  get revision(): number {
    return this.#revision
  }

  /** Goes on from the larger revision, since any key may have been written with it. */
  absorb(saved: Uint8Array): void {
    const revision = saved[0] === STATE_FORMAT && saved.length === STATE_BYTES ? recordRevision(saved) : undefined
    this.#revision = Math.max(
      this.#revision,
      present(revision, "a neighbour's revision in a format this version knows"),
    )
  }

  unknown(command: Uint8Array): string | undefined {
    if (!isForeignCommand(command)) return undefined
    return `a command of format ${command[0]} with flags ${command[1]} is unknown to this release; upgrade this store`
  }

  /**
   * Says what `command` reads. A function of the command alone and not of the shard, because an earlier command of the same turn
   * may still change the shard.
   */
  needs(command: Uint8Array, needs: Needs): void {
    if (!commandReads(command)) return
    const decoded = decodeKvCommand(command)
    switch (decoded.kind) {
      case 'malformed':
        return
      case 'delete-range':
        // One more than it may remove, to know whether something is left.
        needs.range = { start: decoded.start, end: decoded.end, itemsMax: decoded.keysMax + 1 }
        return
      case 'operations':
        addKeysRead(decoded.operations, needs.keys)
        return
      default:
        unreachable(decoded)
    }
  }

  apply(command: Uint8Array, data: MachineData): KvResult {
    const decoded = decodeKvCommand(command)
    switch (decoded.kind) {
      case 'malformed':
        return decoded
      case 'delete-range':
        return this.#deleteRange(decoded, data)
      case 'operations':
        return this.#operations(decoded, data)
      default:
        return unreachable(decoded)
    }
  }

  save(): Uint8Array {
    const revision = this.#revision
    const saved = Buffer.allocUnsafe(STATE_BYTES)
    saved[0] = STATE_FORMAT
    saved.writeUIntBE(Math.floor(revision / 0x1_0000_0000), 1, 3)
    saved.writeUInt32BE(revision >>> 0, 4)
    return saved
  }

  #covers(key: string): boolean {
    const { start, end } = this.#shard
    return key >= start && (end === undefined || key < end)
  }

  #operations(command: KvCommand & { kind: 'operations' }, data: MachineData): KvResult {
    const { operations } = command
    if (command.rangeEpoch !== this.#shard.epoch.range) return STALE_EPOCH
    for (const operation of operations) {
      if (!this.#covers(operation.key)) return STALE_EPOCH
    }
    // Only a condition can make an atomic command fail, so one without conditions needs no second thoughts.
    if (command.atomic && operations.some(isConditional)) return this.#atomic(operations, data)
    const results: KvOperationResult[] = []
    for (const operation of operations) results.push(this.#operation(operation, data))
    return { kind: 'operations', results }
  }

  #atomic(operations: readonly KvOperation[], data: MachineData): KvResult {
    const revisionBefore = this.#revision
    const staged: Staged = new Map()
    const view = new StagedData(staged, data)
    const results: KvOperationResult[] = []
    for (let index = 0; index < operations.length; index++) {
      const result = this.#operation(present(operations[index], `operation ${index}`), view)
      if (result.kind === 'condition-failed') {
        this.#revision = revisionBefore
        return { kind: 'aborted', index, revision: result.revision }
      }
      results.push(result)
    }
    for (const [key, record] of staged) {
      if (record === undefined) data.delete(key)
      else data.put(key, record)
    }
    return { kind: 'operations', results }
  }

  #operation(operation: KvOperation, data: MachineData): KvOperationResult {
    switch (operation.kind) {
      case 'put': {
        if (operation.condition.kind !== 'none') {
          const current = currentRevision(data.get(operation.key))
          if (!holds(operation.condition, current)) return { kind: 'condition-failed', revision: current }
        }
        const revision = this.#nextRevision()
        data.put(operation.key, encodeRecord(revision, operation.value))
        return { kind: 'put', revision }
      }
      case 'delete': {
        const current = currentRevision(data.get(operation.key))
        if (!holds(operation.condition, current)) return { kind: 'condition-failed', revision: current }
        if (current === undefined) return { kind: 'delete', deleted: false, revision: this.#revision }
        data.delete(operation.key)
        return { kind: 'delete', deleted: true, revision: this.#nextRevision() }
      }
      case 'get': {
        const stored = data.get(operation.key)
        if (stored === undefined) return ABSENT
        const record = present(decodeRecord(stored), 'a record in a format this version knows')
        return { kind: 'get', found: true, value: record.value, revision: record.revision }
      }
      default:
        return unreachable(operation)
    }
  }

  #deleteRange(command: KvCommand & { kind: 'delete-range' }, data: MachineData): KvResult {
    const { start, end, keysMax } = command
    if (command.rangeEpoch !== this.#shard.epoch.range) return STALE_EPOCH
    if (end !== undefined && end <= start) return { kind: 'delete-range', deleted: 0, more: false }
    const shard = this.#shard
    const isInside = start >= shard.start && (shard.end === undefined || (end !== undefined && end <= shard.end))
    if (!isInside) return STALE_EPOCH
    const keys = data.rangeKeys
    const deleted = Math.min(keys.length, keysMax)
    for (let i = 0; i < deleted; i++) {
      data.delete(present(keys[i], `key ${i}`))
      this.#nextRevision()
    }
    return { kind: 'delete-range', deleted, more: keys.length > keysMax }
  }

  #nextRevision(): number {
    const revision = this.#revision + 1
    if (!Number.isSafeInteger(revision)) assert(false, `revision ${revision} is the end of counting`)
    this.#revision = revision
    return revision
  }
}

/** A view of the data that keeps changes to itself. */
class StagedData implements MachineData {
  readonly #staged: Staged
  readonly #data: MachineData

  constructor(staged: Staged, data: MachineData) {
    this.#staged = staged
    this.#data = data
  }

  get rangeKeys(): readonly string[] {
    return this.#data.rangeKeys
  }

  get(key: string): Uint8Array | undefined {
    return this.#staged.has(key) ? this.#staged.get(key) : this.#data.get(key)
  }

  put(key: string, record: Uint8Array): void {
    this.#staged.set(key, record)
  }

  delete(key: string): void {
    this.#staged.set(key, undefined)
  }
}

/** Keys whose record is read before the command itself has written them, each once. */
function addKeysRead(operations: readonly KvOperation[], keys: string[]): void {
  const [only] = operations
  if (operations.length === 1 && only !== undefined) {
    if (readsRecord(only)) keys.push(only.key)
    return
  }
  const seen = new Set<string>()
  for (const operation of operations) {
    if (readsRecord(operation) && !seen.has(operation.key)) keys.push(operation.key)
    seen.add(operation.key)
  }
}

function isConditional(operation: KvOperation): boolean {
  return operation.kind !== 'get' && operation.condition.kind !== 'none'
}

/** A record that cannot be read is damage which the engine's checksums let through: going on would make replicas differ. */
function currentRevision(record: Uint8Array | undefined): number | undefined {
  return record === undefined ? undefined : present(recordRevision(record), 'a record in a format this version knows')
}

function holds(condition: KvCondition, current: number | undefined): boolean {
  switch (condition.kind) {
    case 'none':
      return true
    case 'absent':
      return current === undefined
    case 'exists':
      return current !== undefined
    case 'revision':
      return current === condition.revision
    default:
      return unreachable(condition)
  }
}
