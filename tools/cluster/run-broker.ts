/** Runs the embedded broker in a process of its own, so that it survives the stores that a test kills: `run-broker.ts PORT`. */
import { startBroker } from '../../src/broker/index.ts'

const broker = await startBroker({ host: '127.0.0.1', port: Number(process.argv[2]) })
process.stdout.write(`listening on ${broker.url}\n`)
process.once('SIGTERM', () => {
  broker.stop().then(() => process.exit(0))
})
