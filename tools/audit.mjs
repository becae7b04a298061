/**
 * `npm run audit`: whether an advisory is known for what the package brings along. Fails where one is; where the registry does not answer such questions (mirrors
 * often do not), it says plainly that nobody was asked, and does not fail.
 */
import { spawnSync } from 'node:child_process'

const { stdout, stderr, error } = spawnSync('npm', ['audit', '--omit=dev', '--json'], { encoding: 'utf8' })
const report = parsed(stdout ?? '')
const counts = report?.metadata?.vulnerabilities
if (counts?.total === undefined) {
  const answer = report?.message ?? report?.error?.summary ?? error?.message ?? stderr.trim().split('\n').at(-1)
  const registry = spawnSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).stdout.trim()
  console.log(`NOT ASKED: ${registry} does not say which advisories are known (${String(answer).trim()}).`)
  console.log('Nothing is known, then. Ask where one does: npm audit --omit=dev --registry=URL')
} else if (counts.total === 0) {
  console.log(`No advisory is known for ${report.metadata.dependencies?.prod ?? 'all'} packages.`)
} else {
  for (const { name, severity, range } of Object.values(report.vulnerabilities ?? {}))
    console.log(`${severity}: ${name} ${range}`)
  console.log(`${counts.total} packages with known advisories; npm audit --omit=dev says more.`)
  process.exitCode = 1
}

function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    // npm said something else than a report, and that is shown.
    return undefined
  }
}
