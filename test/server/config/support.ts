/** Loads configuration from texts, through real files in a directory that is removed afterwards. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Config, type LoadResult, loadConfig } from '../../../src/server/config/index.ts'

export interface Sources {
  readonly text?: string
  readonly env?: Readonly<Record<string, string>>
  readonly flags?: Readonly<Record<string, string>>
}

/** Places in complaints begin with `flotilla.yaml`, without the directory. */
export function load({ text, env = {}, flags = {} }: Sources): LoadResult {
  if (text === undefined) return loadConfig({ env, flags })
  const directory = mkdtempSync(path.join(tmpdir(), 'flotilla-config-'))
  try {
    const file = path.join(directory, 'flotilla.yaml')
    writeFileSync(file, text)
    const result = loadConfig({ file, env, flags })
    const short = (line: string): string => line.replaceAll(`${directory}${path.sep}`, '')
    return result.ok
      ? { ...result, warnings: result.warnings.map(short) }
      : { ok: false, errors: result.errors.map(short) }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

export function loadGood(sources: Sources): Extract<LoadResult, { ok: true }> {
  const result = load(sources)
  assert.ok(result.ok, result.ok ? '' : result.errors.join('\n'))
  return result
}

export function configOf(sources: Sources): Config {
  return loadGood(sources).config
}

export function errorsOf(sources: Sources): readonly string[] {
  const result = load(sources)
  assert.ok(!result.ok, 'the configuration was accepted')
  return result.errors
}
