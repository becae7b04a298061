/**
 * What the RPC log costs a store: CPU time per message, from the note on the hot path to the row on disk, of all threads. Two loads: read rounds (a heartbeat to
 * each of two followers and their answers) and writes (an append to each and its acknowledgement). Run: `node --import tsx bench/micro/rpc-log.ts [messages]`.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { RPC_KIND, type RpcRecorder } from '../../src/base/index.ts'
import { RpcLog } from '../../src/observe/index.ts'
import { systemClock } from '../system-clock.ts'

const GROUPS = 8
const PEERS = ['s2', 's3'] as const
/** Messages of one turn of the loop. */
const TURN = 64

type Load = (recorder: RpcRecorder, round: number) => void

function rounds(sent: (typeof RPC_KIND)['Heartbeat' | 'AppendEntries'], entries: number): Load {
  const answer = sent === RPC_KIND.Heartbeat ? RPC_KIND.HeartbeatReply : RPC_KIND.AppendEntriesReply
  return (recorder, round) => {
    const group = 2 + (round % GROUPS)
    const index = Math.floor(round / GROUPS) + 1
    for (const peer of PEERS) recorder.note(sent, peer, group, 7, index, entries, 48 + entries * 300, false)
    recorder.stamp()
    for (const peer of PEERS) recorder.note(answer, peer, group, 7, index, 0, 0, false)
    recorder.stamp()
  }
}

async function measure(what: string, messages: number, load: Load): Promise<void> {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'flotilla-bench-'))
  const log = await RpcLog.open({ store: 's1', clock: systemClock, directory, maxRows: 200_000 })
  let round = 0
  const run = async (count: number): Promise<number> => {
    const cpu = process.cpuUsage()
    for (let done = 0; done < count; done += TURN) {
      for (let i = 0; i < TURN; i += 4) load(log.recorder, round++)
      await new Promise((resolve) => setImmediate(resolve))
    }
    const { user, system } = process.cpuUsage(cpu)
    return user + system
  }
  await run(messages / 4)
  // The turns themselves cost something too.
  const before = process.cpuUsage()
  for (let done = 0; done < messages; done += TURN) await new Promise((resolve) => setImmediate(resolve))
  const empty = process.cpuUsage(before)
  const used = (await run(messages)) - empty.user - empty.system
  const dropped = log.dropped
  await log.close()
  rmSync(directory, { recursive: true })
  console.log(
    `${what.padEnd(12)} ${((used * 1000) / messages).toFixed(0).padStart(6)} ns CPU a message, ${dropped} dropped`,
  )
}

const messages = Number(process.argv[2] ?? 2_000_000)
await measure('read rounds', messages, rounds(RPC_KIND.Heartbeat, 0))
await measure('writes', messages, rounds(RPC_KIND.AppendEntries, 3))
