/**
 * What tests on real processes and chaos start: the built program where the build is younger than the sources, as `npm test` makes it, and the sources
 * otherwise, so that a test never runs yesterday's program by accident.
 */
import { existsSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const HERE = path.dirname(fileURLToPath(import.meta.url))
/** This very file may be part of the build: then there are no sources to run. */
const IS_BUILT = import.meta.url.endsWith('.js')
const ROOT = path.resolve(HERE, IS_BUILT ? '../../..' : '../..')
/** FLOTILLA_TEST_PROGRAM names another build to test, such as that of an installed package. */
const CHOSEN = process.env.FLOTILLA_TEST_PROGRAM
const BUILT = CHOSEN ?? path.join(ROOT, 'dist', 'tools', 'flotilla.js')

let isBuilt: boolean | undefined

/** The command that runs a store with a configuration file. */
export function storeCommand(configFile: string): string[] {
  isBuilt ??= CHOSEN !== undefined || IS_BUILT || buildIsCurrent()
  return isBuilt
    ? [process.execPath, BUILT, 'start', '-c', configFile]
    : [process.execPath, '--import', 'tsx', path.join(HERE, 'run-store.ts'), configFile]
}

/** The command that runs the embedded broker on a port of 127.0.0.1. */
export function brokerCommand(port: number): string[] {
  return IS_BUILT
    ? [process.execPath, path.join(HERE, 'run-broker.js'), String(port)]
    : [process.execPath, '--import', 'tsx', path.join(HERE, 'run-broker.ts'), String(port)]
}

function buildIsCurrent(): boolean {
  if (!existsSync(BUILT)) return false
  const builtMs = statSync(BUILT).mtimeMs
  return ['src', 'shard-map', 'tools'].every((folder) => newestMs(path.join(ROOT, folder)) <= builtMs)
}

function newestMs(folder: string): number {
  let newest = 0
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name)
    newest = Math.max(newest, entry.isDirectory() ? newestMs(file) : statSync(file).mtimeMs)
  }
  return newest
}
