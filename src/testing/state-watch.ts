/**
 * The state of one replica as its machine makes it: stands between the state machine and its data, reports each entry that goes through, and keeps a
 * fingerprint of all records up to date, so that replicas can be compared after every event and not only at the end. It begins with one
 * scan of what is there, when a replica starts, has taken in a snapshot, or got another range. It changes nothing.
 */
import { crc32 } from 'node:zlib'
import { PLACEMENT_SHARD } from '../../shard-map/index.ts'
import { assert, bytesToLatin1 } from '../base/index.ts'
import type { MachineData } from '../machine/index.ts'
import type { DataKey, DataStore } from '../storage/index.ts'
import type { Replica } from '../store/index.ts'

export interface StateHooks {
  /** From here on, what is applied follows `index`. */
  starts(index: number): void
  /** An entry was applied; `hash` as in an `EntryView`, undefined where it held no command. */
  applied(index: number, term: number, hash: number | undefined): void
  /** The scan is over: this was the state at `index`. */
  scanned(index: number, term: number, stateHash: number): void
}

const PAGE_ITEMS = 10_000
const PAGE_BYTES = 1 << 28
const NORMAL_ENTRY = 'normal'.length

export class StateWatch {
  readonly #replica: Replica
  readonly #data: DataStore
  readonly #hooks: StateHooks
  #machine: Replica['machine'] | undefined
  #start: string | undefined
  #end: string | undefined
  /** Fingerprints by key; undefined until the scan is over. */
  #records: Map<DataKey, number> | undefined
  /** What was written since the scan began: null for a deletion. */
  #since = new Map<DataKey, number | null>()
  /** Of all fingerprints, modulo 2^32: in whatever order they came. */
  #sum = 0
  #scans = 0
  /** The entry that is being applied, or was last: its command comes after its index. */
  #entry: { readonly index: number; readonly term: number; hash: number | undefined } | undefined

  constructor(replica: Replica, data: DataStore, hooks: StateHooks) {
    this.#replica = replica
    this.#data = data
    this.#hooks = hooks
    const appliedTo = replica.appliedTo.bind(replica)
    replica.appliedTo = (index, term) => {
      this.#report()
      // Another machine came with a snapshot, and nobody has looked since: what it holds is not known yet.
      if (replica.machine === this.#machine) this.#entry = { index, term, hash: undefined }
      else hooks.starts(index)
      appliedTo(index, term)
    }
  }

  /** Looks whether there is something new to stand in front of. Cheap when there is not. */
  look(): void {
    const { machine, installing, shard } = this.#replica
    this.#report()
    if (installing || (machine === this.#machine && shard.start === this.#start && shard.end === this.#end)) return
    if (machine !== this.#machine) this.#intercept()
    this.#start = shard.start
    this.#end = shard.end
    this.#scan().catch(() => {
      // The disk does not let itself be read, or the store is closing: this state is not known, which is always allowed.
    })
  }

  /** Of the records and the machine's own state; undefined while it is not known. */
  get hash(): number | undefined {
    const { machine, installing } = this.#replica
    if (this.#records === undefined || machine !== this.#machine || installing) return undefined
    return crc32(bytesToLatin1(machine.save()), this.#sum)
  }

  #intercept(): void {
    const { machine } = this.#replica
    this.#machine = machine
    const apply = machine.apply.bind(machine)
    machine.apply = (command, data) => {
      if (this.#entry !== undefined) this.#entry.hash = crc32(command, NORMAL_ENTRY)
      return apply(command, this.#recording(data))
    }
  }

  #report(): void {
    const entry = this.#entry
    this.#entry = undefined
    if (entry !== undefined) this.#hooks.applied(entry.index, entry.term, entry.hash)
  }

  #recording(data: MachineData): MachineData {
    return {
      get: (key) => data.get(key),
      get rangeKeys() {
        return data.rangeKeys
      },
      put: (key, value) => {
        this.#wrote(key, fingerprint(key, value))
        data.put(key, value)
      },
      delete: (key) => {
        this.#wrote(key, null)
        data.delete(key)
      },
    }
  }

  #wrote(key: DataKey, print: number | null): void {
    const records = this.#records
    if (records === undefined) {
      this.#since.set(key, print)
      return
    }
    this.#sum = (this.#sum - (records.get(key) ?? 0) + (print ?? 0)) >>> 0
    if (print === null) records.delete(key)
    else records.set(key, print)
  }

  async #scan(): Promise<void> {
    const scan = ++this.#scans
    const { group, appliedIndex, appliedTerm, shard, machine } = this.#replica
    const machineState = bytesToLatin1(machine.save())
    this.#hooks.starts(appliedIndex)
    this.#records = undefined
    this.#since = new Map()
    const records = new Map<DataKey, number>()
    if (group !== PLACEMENT_SHARD) {
      const page = await this.#data.scan({
        start: shard.start,
        end: shard.end,
        reverse: false,
        itemsMax: PAGE_ITEMS,
        bytesMax: PAGE_BYTES,
        keysOnly: false,
      })
      assert(!page.more, `a simulated shard has more than ${PAGE_ITEMS} keys`)
      for (const { key, value } of page.items) records.set(key, fingerprint(key, value))
    }
    if (scan !== this.#scans || machine !== this.#replica.machine) return
    this.#sum = 0
    for (const print of records.values()) this.#sum = (this.#sum + print) >>> 0
    this.#hooks.scanned(appliedIndex, appliedTerm, crc32(machineState, this.#sum))
    this.#records = records
    for (const [key, print] of this.#since) this.#wrote(key, print)
    this.#since.clear()
  }
}

function fingerprint(key: DataKey, value: Uint8Array): number {
  return crc32(value, crc32(key))
}
