/** What a reader must know about the machine and the build to believe a number. */
import { execFile } from 'node:child_process'
import { statfsSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os'
import { promisify } from 'node:util'
import { packageRoot } from '../systems/index.ts'

export interface MachineFacts {
  readonly processor: string
  readonly cores: number
  readonly memoryGiB: number
  readonly kernel: string
  readonly node: string
  /** Of the directory that holds the data: in memory, fsync costs nothing and the figures mean nothing. */
  readonly fileSystem: string
  readonly loadAverage: number
  /** The commit of this package, with `+ changes` when files differ from it; `unknown` outside a repository. */
  readonly commit: string
  readonly startedAt: string
}

/** The magic numbers of `statfs(2)` that one meets. */
const FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0xef53, 'ext4'],
  [0x58465342, 'xfs'],
  [0x9123683e, 'btrfs'],
  [0x794c7630, 'overlay'],
  [0x01021994, 'tmpfs'],
  [0x2fc12fc1, 'zfs'],
])

export async function machineFacts(directory: string, wallMs: number): Promise<MachineFacts> {
  return {
    processor: cpus()[0]?.model.trim() || 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `${type()} ${release()}`,
    node: process.version,
    fileSystem: fileSystemOf(directory),
    loadAverage: loadavg()[0] ?? 0,
    commit: await commitOf(packageRoot()),
    startedAt: new Date(wallMs).toISOString(),
  }
}

function fileSystemOf(directory: string): string {
  const { type: magic } = statfsSync(directory)
  return FILE_SYSTEMS.get(magic >>> 0) ?? `type 0x${(magic >>> 0).toString(16)}`
}

async function commitOf(directory: string): Promise<string> {
  const run = promisify(execFile)
  try {
    const head = await run('git', ['rev-parse', '--short=12', 'HEAD'], { cwd: directory })
    const changes = await run('git', ['status', '--porcelain', '--untracked-files=no'], { cwd: directory })
    return changes.stdout.trim() === '' ? head.stdout.trim() : `${head.stdout.trim()} + changes`
  } catch {
    // No git, or an installed package rather than a repository.
    return 'unknown'
  }
}
