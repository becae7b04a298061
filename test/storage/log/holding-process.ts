import process from 'node:process'
import { acquireDataDirectory, LogStoreError } from '../../../src/storage/index.ts'

/** Takes the data directory it is given, says so, and holds it until it is killed; exits with 3 when it is in use. */
try {
  await acquireDataDirectory(process.argv[2] ?? '', 's1', () => 'x')
  process.stdout.write('held\n')
  setInterval(() => {}, 1000)
} catch (error) {
  // The answer this process exists to give.
  if (!(error instanceof LogStoreError) || error.code !== 'STORE_LOCKED') throw error
  process.exitCode = 3
}
