/** Runs one program to its end or to a time limit, and keeps the end of what it printed. The whole process group goes when the time is over. */
import { spawn } from 'node:child_process'

export interface ChildResult {
  readonly kind: 'passed' | 'failed' | 'hung'
  readonly output: string
}

const OUTPUT_CHARS_MAX = 200_000

export function runChild(words: readonly string[], directory: string, timeoutMs: number): Promise<ChildResult> {
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
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString('utf8')).slice(-OUTPUT_CHARS_MAX)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    const timer = setTimeout(() => {
      hung = true
      endGroup(child.pid)
    }, timeoutMs)
    child.on('error', reject)
    child.on('close', (code) => {
      clearTimeout(timer)
      endGroup(child.pid)
      resolve({ kind: hung ? 'hung' : code === 0 ? 'passed' : 'failed', output })
    })
  })
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
