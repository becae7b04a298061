/**
 * A reporter for `node --test` that writes the counts of a run as one JSON object: pass, fail (cancelled ones too) and skipped (those to be done too).
 * Used by `run-tests.mjs`, beside the reporter that people read.
 */
const FIELDS = { pass: 'pass', fail: 'fail', cancelled: 'fail', skipped: 'skipped', todo: 'skipped' }

async function* countTests(source) {
  const counts = new Map()
  for await (const event of source) {
    if (event.type !== 'test:diagnostic') continue
    // The summary is the last word on each count; a test's own diagnostics come before it.
    const [, name, count] = /^(pass|fail|cancelled|skipped|todo) ([0-9]+)$/.exec(event.data.message) ?? []
    if (name !== undefined) counts.set(name, Number(count))
  }
  const result = { pass: 0, fail: 0, skipped: 0 }
  for (const [name, count] of counts) result[FIELDS[name]] += count
  yield `${JSON.stringify(result)}\n`
}

// biome-ignore lint/style/noDefaultExport: the runner takes a reporter from a module's default export and from nowhere else
export { countTests as default }
