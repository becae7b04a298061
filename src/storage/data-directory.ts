import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { makeDirectory, syncDirectory } from './files/index.ts'
import { describeThisProcess, isAlive, type LockHolder, parseLockHolder } from './lock-holder.ts'
import { LogStoreError } from './log-store.ts'

/**
 * Whose a data directory is, and who uses it now: the identity file and the lock. It does not touch the data; composition
 * roots acquire the directory before they open the log and the data store, and release it after both are closed.
 *
 *   flotilla.json       { format, storeId, incarnation }; written once, when the directory is created
 *   lock.<generation>   who holds the directory (see `lock-holder.ts`), or that it was released; one JSON object
 *
 * The lock. Whoever wants the directory reads the highest generation. If its holder may be alive, the directory is in use.
 * If not, the next generation is created with `link`, which fails for all but one. The highest generation is never
 * removed (releasing it only rewrites it), so generations never repeat. That leaves one race: (1) A reads generation 5, whose
 * holder is dead, and is suspended; (2) B takes generation 6, removes 5, and dies; (3) C takes 7 and removes 6; (4) A wakes
 * and creates 6 again. Therefore everyone looks again after creating, and A, seeing 7, withdraws.
 */
export interface DataDirectory {
  readonly path: string
  readonly storeId: string
  /** Fixed when the directory was created: tells a store from another that was given the same id later. */
  readonly incarnation: string
  readonly created: boolean
  /** Lets the next process in. Idempotent. */
  release(): Promise<void>
}

interface Identity {
  readonly format: number
  readonly storeId: string
  readonly incarnation: string
}

const FORMAT = 1
const IDENTITY_FILE = 'flotilla.json'
const LOCK_PATTERN = /^lock\.(\d{6,15})$/
const RACES_MAX = 10

/**
 * Takes the data directory for store `storeId`, creating it where there is none (then with `newIncarnation()`).
 * Throws LogStoreError: STORE_LOCKED (in use; says by whom), STORE_MISMATCH (belongs to another store, or is not a data
 * directory), UNSUPPORTED_VERSION, IO_ERROR, DISK_FULL.
 */
export async function acquireDataDirectory(
  directory: string,
  storeId: string,
  newIncarnation: () => string,
): Promise<DataDirectory> {
  const root = path.resolve(directory)
  try {
    createDirectory(root)
    // A directory of another store is refused before it is touched.
    checkIdentity(root, storeId, readIdentity(root))
    const generation = lock(root)
    try {
      const { identity, created } = ensureIdentity(root, storeId, newIncarnation)
      return new HeldDirectory(root, identity, created, generation)
    } catch (error) {
      unlock(root, generation)
      throw error
    }
  } catch (error) {
    if (error instanceof LogStoreError) throw error
    throw asDirectoryError(root, error as NodeJS.ErrnoException)
  }
}

class HeldDirectory implements DataDirectory {
  readonly path: string
  readonly storeId: string
  readonly incarnation: string
  readonly created: boolean
  readonly #generation: number
  #held = true

  constructor(root: string, identity: Identity, created: boolean, generation: number) {
    this.path = root
    this.storeId = identity.storeId
    this.incarnation = identity.incarnation
    this.created = created
    this.#generation = generation
  }

  async release(): Promise<void> {
    if (!this.#held) return
    this.#held = false
    // Somebody may have removed the directory meanwhile, and then there is nothing to release.
    if (fs.existsSync(lockPath(this.path, this.#generation))) unlock(this.path, this.#generation)
  }
}

function createDirectory(root: string): void {
  const first = makeDirectory(root)
  if (first === undefined) return
  for (let made = root; made.length >= first.length; made = path.dirname(made)) syncDirectory(path.dirname(made))
}

function readIdentity(root: string): Identity | undefined {
  let text: string
  try {
    text = fs.readFileSync(path.join(root, IDENTITY_FILE), 'utf8')
  } catch (error) {
    // No identity yet is the one expected failure: the directory is new.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const { format, storeId, incarnation } = parseObject(text) ?? {}
  if (typeof format === 'number' && format > FORMAT) {
    throw new LogStoreError(
      'UNSUPPORTED_VERSION',
      `${root} has data format ${format}, this program reads format ${FORMAT}: start it with the release that wrote it or a newer one`,
    )
  }
  if (format !== FORMAT || typeof storeId !== 'string' || typeof incarnation !== 'string') {
    throw new LogStoreError(
      'STORE_MISMATCH',
      `${root}/${IDENTITY_FILE} is not readable: restore it, or start with an empty directory`,
    )
  }
  return { format, storeId, incarnation }
}

function checkIdentity(root: string, storeId: string, identity: Identity | undefined): void {
  if (identity === undefined || identity.storeId === storeId) return
  throw new LogStoreError(
    'STORE_MISMATCH',
    `${root} belongs to store ${identity.storeId}, not ${storeId}: give each store its own directory, or set store.id back`,
  )
}

function ensureIdentity(
  root: string,
  storeId: string,
  newIncarnation: () => string,
): { readonly identity: Identity; readonly created: boolean } {
  const found = readIdentity(root)
  checkIdentity(root, storeId, found)
  if (found !== undefined) return { identity: found, created: false }
  const identity = { format: FORMAT, storeId, incarnation: newIncarnation() }
  replaceFile(root, IDENTITY_FILE, `${JSON.stringify(identity, undefined, 2)}\n`)
  return { identity, created: true }
}

function lockPath(root: string, generation: number): string {
  return path.join(root, `lock.${String(generation).padStart(6, '0')}`)
}

function lockGenerations(root: string): number[] {
  const generations: number[] = []
  for (const name of fs.readdirSync(root)) {
    const digits = LOCK_PATTERN.exec(name)?.[1]
    if (digits !== undefined) generations.push(Number(digits))
  }
  return generations.sort((a, b) => a - b)
}

/** Takes the lock and returns its generation. */
function lock(root: string): number {
  const self = describeThisProcess()
  for (let race = 0; race < RACES_MAX; race++) {
    const newest = lockGenerations(root).at(-1) ?? 0
    if (newest > 0) refuseIfHeld(root, newest, self)
    const generation = newest + 1
    if (!createLock(root, generation, self)) continue
    const generations = lockGenerations(root)
    if (generations.at(-1) === generation) {
      for (const older of generations) if (older < generation) removeIfThere(lockPath(root, older))
      syncDirectory(root)
      return generation
    }
    removeIfThere(lockPath(root, generation))
  }
  throw new LogStoreError('STORE_LOCKED', `${root} is being taken by other processes: try again`)
}

function refuseIfHeld(root: string, generation: number, self: LockHolder): void {
  const file = lockPath(root, generation)
  let text: string
  let since: Date
  try {
    text = fs.readFileSync(file, 'utf8')
    since = fs.statSync(file).mtime
  } catch (error) {
    // Another process has just replaced this generation; the next look finds the newer one.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  const holder = parseLockHolder(parseObject(text))
  if (holder === 'released') return
  if (holder === undefined) {
    throw new LogStoreError(
      'STORE_LOCKED',
      `${root} has a lock that is not readable: if no store runs there, remove ${file}`,
    )
  }
  const alive = isAlive(holder, self)
  if (alive === 'no') return
  const who = `process ${holder.pid} on ${holder.host} started ${holder.started ?? since.toISOString()}`
  const held = `${root} is in use by ${who}, which holds it since ${since.toISOString()}`
  const cure =
    alive === 'yes' ? 'stop it first' : `this machine cannot tell whether it runs: if it does not, remove ${file}`
  throw new LogStoreError('STORE_LOCKED', `${held}: ${cure}`)
}

/** Creates the lock file whole or not at all; false when the generation is taken. */
function createLock(root: string, generation: number, self: LockHolder): boolean {
  const draft = writeDraft(root, `${JSON.stringify(self)}\n`)
  try {
    fs.linkSync(draft, lockPath(root, generation))
    return true
  } catch (error) {
    // Losing the race is an answer, not a failure.
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    removeIfThere(draft)
  }
}

function unlock(root: string, generation: number): void {
  replaceFile(root, path.basename(lockPath(root, generation)), `${JSON.stringify({ released: true })}\n`)
}

function replaceFile(root: string, name: string, text: string): void {
  const draft = writeDraft(root, text)
  fs.renameSync(draft, path.join(root, name))
  syncDirectory(root)
}

/** Writes `text` durably to a file with a name that no other process uses, and this one only until it returns; returns its path. */
function writeDraft(root: string, text: string): string {
  const { pid, startTicks } = describeThisProcess()
  const draft = path.join(root, `.draft-${pid}-${startTicks}`)
  fs.writeFileSync(draft, text, { flush: true })
  return draft
}

function removeIfThere(file: string): void {
  fs.rmSync(file, { force: true })
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    // The only error of JSON.parse is malformed text, and callers say what that means.
    return undefined
  }
}

function asDirectoryError(root: string, error: NodeJS.ErrnoException): unknown {
  if (error.code === undefined) return error
  const full = error.code === 'ENOSPC' || error.code === 'EDQUOT'
  const cure = full ? 'free disk space' : `check that ${os.userInfo().username} may write there`
  const message = `cannot use the data directory ${root} (${error.code}): ${cure}`
  return new LogStoreError(full ? 'DISK_FULL' : 'IO_ERROR', message, { cause: error })
}
