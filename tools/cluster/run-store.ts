/** Runs one store from the sources, as `flotilla start -c FILE` does from the build: `run-store.ts FILE`. */
import { loadConfig } from '../../src/server/config/index.ts'
import { startNode } from '../../src/server/index.ts'

const [file = ''] = process.argv.slice(2)
const loaded = loadConfig({ file, env: process.env })
if (!loaded.ok) {
  process.stderr.write(`${loaded.errors.join('\n')}\n`)
  process.exit(2)
}
try {
  const node = await startNode(loaded.config, loaded.sources)
  node.failed.then((error) => {
    process.stderr.write(`flotilla: ${error.message}\n`)
    process.exit(1)
  })
  const stop = (): void => {
    node.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`flotilla: ${String(error)}\n`)
        process.exit(1)
      },
    )
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
} catch (error) {
  // Whatever keeps a store from starting is told in one sentence, as the command line does.
  process.stderr.write(`flotilla: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
