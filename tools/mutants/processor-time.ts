/**
 * The processor time that a process group has used, ended members included. Budgets are counted in it, so that a busy machine, or one that
 * stands still for minutes, takes nothing away from them. Only where the kernel tells (`/proc`, Linux); elsewhere undefined.
 */
import { readdirSync, readFileSync } from 'node:fs'

/** What `/proc` counts in: a hundredth of a second on every machine that Node runs on. */
const MS_PER_TICK = 10
/** Fields of `/proc/PID/stat` behind the name, which stands in brackets and may hold anything. */
const GROUP_FIELD = 2
const TIME_FIELDS = [11, 12, 13, 14]

/** Milliseconds of processor time of the group that `leader` leads. Members that nobody has waited for yet are missed when they have ended. */
export function groupProcessorMs(leader: number): number | undefined {
  let names: readonly string[]
  try {
    names = readdirSync('/proc')
  } catch {
    // Not Linux.
    return undefined
  }
  let ticks = 0
  for (const name of names) {
    if (name < '0' || name > '9:') continue
    const fields = statFields(name)
    if (fields === undefined || Number(fields[GROUP_FIELD]) !== leader) continue
    for (const field of TIME_FIELDS) ticks += Number(fields[field] ?? 0)
  }
  return ticks * MS_PER_TICK
}

function statFields(pid: string): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    // It ended between the listing and the look.
    return undefined
  }
}
