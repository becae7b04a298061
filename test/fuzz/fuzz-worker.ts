/**
 * The thread that fuzzes for `npm run fuzz`: takes decoders in turn until it is told to stop, and writes each input down before the call, in memory that
 * the program shares, so that an input which never ends, or ends the thread, can still be named.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { seededRandom } from '../storage/log/support.ts'
import { DecoderFuzzer, type Finding } from './fuzzer.ts'
import { DECODERS } from './table.ts'

export interface FuzzWork {
  readonly seed: number
  readonly endsAtMs: number
  /** Parts of names; all decoders when empty. */
  readonly only: readonly string[]
  readonly shared: SharedArrayBuffer
}

export interface FuzzReport {
  readonly counts: readonly { readonly name: string; readonly tried: number; readonly accepted: number }[]
  readonly findings: readonly Finding[]
}

/** Layout of the shared memory: inputs begun (u32), which decoder (u32), length (u32), the input. */
export const SHARED_HEAD_BYTES = 12
const ROUND_INPUTS = 500

function run({ seed, endsAtMs, only, shared }: FuzzWork): FuzzReport {
  const head = new Uint32Array(shared, 0, 3)
  const copy = new Uint8Array(shared, SHARED_HEAD_BYTES)
  const fuzzers = DECODERS.map((decoder, index) => ({
    index,
    fuzzer: new DecoderFuzzer(decoder, seededRandom(seed + index)),
  })).filter(({ fuzzer }) => only.length === 0 || only.some((part) => fuzzer.name.includes(part)))
  const findings: Finding[] = []
  const failed = new Set<number>()
  for (const { fuzzer, index } of fuzzers) {
    const finding = fuzzer.checkSeeds()
    if (finding === undefined) continue
    findings.push(finding)
    failed.add(index)
  }
  for (let isOver = false; !isOver; ) {
    for (const { fuzzer, index } of fuzzers) {
      if (failed.has(index)) continue
      Atomics.store(head, 1, index)
      for (let i = 0; i < ROUND_INPUTS && !failed.has(index); i++) {
        const finding = fuzzer.step((input) => {
          copy.set(input.subarray(0, copy.length))
          Atomics.store(head, 2, input.length)
          Atomics.add(head, 0, 1)
        })
        if (finding === undefined) continue
        findings.push(finding)
        failed.add(index)
      }
    }
    isOver = Date.now() >= endsAtMs || failed.size === fuzzers.length
  }
  return {
    counts: fuzzers.map(({ fuzzer }) => ({ name: fuzzer.name, tried: fuzzer.tried, accepted: fuzzer.accepted })),
    findings,
  }
}

parentPort?.postMessage(run(workerData as FuzzWork))
