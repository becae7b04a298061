/**
 * Finds, probes and describes the optional npm package `rocksdb`. The package aborts the whole process where it does not fit the Node version, which no
 * `try` can catch; so a child process opens, writes, iterates and closes a throw-away database with it first.
 */
import { spawn } from 'node:child_process'
import { promises as fs } from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { DataStoreError } from '../data-store.ts'

type Callback<T> = (error: Error | null | undefined, result: T) => void

/** The part of abstract-leveldown 7 that the adapter uses. */
export interface RocksIterator {
  seek(target: string): void
  /** Calls back without a key at the end. */
  next(callback: (error: Error | null | undefined, key?: string, value?: Buffer) => void): void
  end(callback: Callback<void>): void
}

export interface RocksBatch {
  put(key: string, value: Uint8Array): void
  del(key: string): void
  clear(): void
  write(options: { sync: boolean }, callback: Callback<void>): void
}

export interface RocksDatabase {
  open(options: Record<string, unknown>, callback: Callback<void>): void
  getMany(keys: readonly string[], callback: Callback<(Buffer | undefined)[]>): void
  iterator(options: Record<string, unknown>): RocksIterator
  batch(): RocksBatch
  approximateSize(start: string, end: string, callback: Callback<number>): void
  compactRange(start: string, end: string, callback: Callback<void>): void
  close(callback: Callback<void>): void
}

export type RocksFactory = (directory: string) => RocksDatabase

const PROBE = `
const database = require(process.argv[1])(process.argv[2])
const step = (error) => { if (error) { console.error(error.message); process.exit(3) } }
database.open({}, (error) => {
  step(error)
  const batch = database.batch()
  batch.put('a', Buffer.from('b'))
  batch.write({ sync: true }, (error) => {
    step(error)
    const iterator = database.iterator({})
    iterator.next((error, key) => {
      step(error ?? (key === undefined ? new Error('a written record is missing') : undefined))
      iterator.end((error) => { step(error); database.close((error) => { step(error); console.log('fits') }) })
    })
  })
})
`

/** Rejects with ENGINE_UNAVAILABLE and a cure when the package is missing or does not survive its probe. */
export async function loadRocks(moduleDirectory: string | undefined): Promise<RocksFactory> {
  const base = moduleDirectory === undefined ? import.meta.url : pathToFileURL(`${path.resolve(moduleDirectory)}/`)
  const require = createRequire(base)
  let file: string
  try {
    file = require.resolve('rocksdb')
  } catch (error) {
    const text =
      "the engine 'rocksdb' needs the npm package rocksdb 5.2.1, which is not installed; run: npm install rocksdb@5.2.1"
    throw new DataStoreError('ENGINE_UNAVAILABLE', text, { cause: error })
  }
  await probe(file)
  const factory: unknown = require(file)
  if (typeof factory !== 'function') throw unavailable('exports no function')
  return factory as RocksFactory
}

async function probe(file: string): Promise<void> {
  const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'flotilla-rocksdb-probe-'))
  try {
    const { output, ending } = await runChild([file, directory])
    if (ending !== 'code 0' || !output.includes('fits')) throw unavailable(`ended its probe with ${ending}`)
  } finally {
    await fs.rm(directory, { recursive: true, force: true })
  }
}

function runChild(args: readonly string[]): Promise<{ output: string; ending: string }> {
  return new Promise((resolve, reject) => {
    // A plain Node: loaders of the parent would only slow the probe down.
    const child = spawn(process.execPath, ['-e', PROBE, ...args], { stdio: ['ignore', 'pipe', 'ignore'], env: {} })
    let output = ''
    child.stdout.on('data', (text: Buffer) => {
      output += text.toString()
    })
    child.on('error', reject)
    child.on('close', (code, signal) =>
      resolve({ output, ending: signal === null ? `code ${code}` : `signal ${signal}` }),
    )
  })
}

function unavailable(what: string): DataStoreError {
  const text =
    `the engine 'rocksdb' does not work here: the npm package rocksdb ${what} on Node ${process.versions.node}; ` +
    'use the engine classic-level, or Node 20 for rocksdb 5.2.1'
  return new DataStoreError('ENGINE_UNAVAILABLE', text)
}
