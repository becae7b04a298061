/**
 * Runs one program to its end or to a limit, and keeps the end of what it printed. The whole process group goes when the limit is reached. Limits are
 * processor time, and time in which this process was awake: whoever stops the machine's work for minutes (SIGSTOP) ends nothing by it.
 */
import { spawn } from 'node:child_process'
import { groupProcessorMs } from './processor-time.ts'

export interface ChildResult {
  readonly kind: 'passed' | 'failed' | 'hung'
  readonly output: string
  /** Processor time where the system tells it, else awake time. */
  readonly spentMs: number
  /** It, or who watched it, stood still meanwhile: a time limit of its own may have failed for nothing. */
  readonly wasStopped: boolean
}

const OUTPUT_CHARS_MAX = 200_000
const LOOK_EVERY_MS = 500
/** A look that comes later than this: the processes were stopped, or the machine was. */
const STOPPED_AFTER_MS = 15_000
/** How much longer than its processor time a program may take awake: other work shares the cores, and a program that waits for good uses none. */
const AWAKE_PER_PROCESSOR_TIME = 6

export function runChild(words: readonly string[], directory: string, processorMsMax: number): Promise<ChildResult> {
  return new Promise((resolve, reject) => {
    // A group of its own, so that what it starts ends with it; and no word of the runner that started us.
    const env = { ...process.env, NODE_TEST_CONTEXT: undefined }
    const child = spawn(process.execPath, words, {
      cwd: directory,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    let hung = false
    let wasStopped = false
    let awakeMs = 0
    let processorMs: number | undefined
    let lookedMs = Date.now()
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString('utf8')).slice(-OUTPUT_CHARS_MAX)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    const look = (): void => {
      const passedMs = Date.now() - lookedMs
      lookedMs += passedMs
      if (passedMs > STOPPED_AFTER_MS) wasStopped = true
      awakeMs += Math.min(passedMs, STOPPED_AFTER_MS)
      // What a look misses of members that ended meanwhile must not make it less.
      if (child.pid !== undefined) processorMs = larger(processorMs, groupProcessorMs(child.pid))
      const isOver = (processorMs ?? awakeMs) > processorMsMax || awakeMs > processorMsMax * AWAKE_PER_PROCESSOR_TIME
      if (!isOver || hung) return
      hung = true
      endGroup(child.pid)
    }
    const timer = setInterval(look, LOOK_EVERY_MS)
    const end = (): void => endGroup(child.pid)
    process.once('exit', end)
    child.on('error', reject)
    child.on('close', (code) => {
      clearInterval(timer)
      process.off('exit', end)
      const passedMs = Date.now() - lookedMs
      endGroup(child.pid)
      resolve({
        kind: hung ? 'hung' : code === 0 ? 'passed' : 'failed',
        output,
        spentMs: processorMs ?? awakeMs + passedMs,
        wasStopped: wasStopped || passedMs > STOPPED_AFTER_MS,
      })
    })
  })
}

function larger(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || (other !== undefined && other > one) ? other : one
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    // Nobody of the group is left, which is what was wanted.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
