/** The broker under a cluster of processes: a real nats-server, or the embedded broker in a process of its own. Both can be killed and come back. */
import { ManagedProcess } from './managed-process.ts'
import { findNatsServer, NATS_SERVER_ABSENT, startNatsServer } from './nats-server.ts'
import { poll } from './poll.ts'
import { freePort } from './ports.ts'
import { brokerCommand } from './programs.ts'

export type BrokerKind = 'nats-server' | 'embedded'

export interface BrokerProcess {
  readonly url: string
  kill(): Promise<void>
  /** SIGSTOP: it holds its connections and says nothing. */
  pause(): void
  continue(): void
  /** On the same port. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** Both kinds, each with the reason why it cannot be tested here, or false. */
export const BROKER_KINDS: readonly { readonly kind: BrokerKind; readonly skip: string | false }[] = [
  { kind: 'nats-server', skip: findNatsServer() === undefined ? NATS_SERVER_ABSENT : false },
  { kind: 'embedded', skip: false },
]

/** For tests to which the broker does not matter: a real one where there is one. */
export const ANY_BROKER: BrokerKind = findNatsServer() === undefined ? 'embedded' : 'nats-server'

export async function startBrokerProcess(kind: BrokerKind): Promise<BrokerProcess> {
  if (kind === 'nats-server') {
    const server = await startNatsServer()
    if (server === undefined) throw new Error(NATS_SERVER_ABSENT)
    return server
  }
  const broker = new EmbeddedBrokerProcess(await freePort())
  await broker.restart()
  return broker
}

class EmbeddedBrokerProcess implements BrokerProcess {
  readonly url: string
  readonly #port: number
  #process: ManagedProcess | undefined

  constructor(port: number) {
    this.#port = port
    this.url = `nats://127.0.0.1:${port}`
  }

  async kill(): Promise<void> {
    await this.#process?.kill()
  }

  pause(): void {
    this.#process?.signal('SIGSTOP')
  }

  continue(): void {
    this.#process?.signal('SIGCONT')
  }

  async restart(): Promise<void> {
    await this.stop()
    const child = new ManagedProcess('the embedded broker', brokerCommand(this.#port))
    this.#process = child
    await poll('the embedded broker listens', 30_000, () => {
      if (!child.isRunning) throw new Error(child.output())
      return child.lines.some((line) => line.startsWith('listening'))
    })
  }

  async stop(): Promise<void> {
    await this.#process?.kill()
    this.#process = undefined
  }
}
