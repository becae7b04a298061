/**
 * The way of one store to the broker, as a TCP proxy that can misbehave: hold one direction back, delay it, lose chosen messages, break
 * connections, refuse new ones. Bytes that pass are never changed or reordered. Needs no privileges. It decides nothing; faults do.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { PublishFilter } from './publish-filter.ts'

export type Direction = 'toBroker' | 'toStore'

/** What the proxy does now. All of it may be changed while connections last. */
export interface Conduct {
  /** Nothing gets through; it waits. */
  readonly stalled: ReadonlySet<Direction>
  readonly delayMs: number
  /** Connections are refused. */
  readonly refuses: boolean
  /** Whether a message published to this subject is lost. */
  readonly isLost: (subject: string) => boolean
}

export const GOOD_CONDUCT: Conduct = { stalled: new Set(), delayMs: 0, refuses: false, isLost: () => false }

const HELD_BYTES_MAX = 1024 * 1024

export class TcpProxy {
  readonly #target: { readonly host: string; readonly port: number }
  readonly #server: Server
  readonly #connections = new Set<Connection>()
  conduct: Conduct = GOOD_CONDUCT

  private constructor(target: URL) {
    this.#target = { host: target.hostname, port: Number(target.port) }
    this.#server = createServer((fromStore) => this.#accept(fromStore))
  }

  /** `targetUrl`: the broker's. `host`: where the store reaches the proxy. */
  static async open(targetUrl: string, host = '127.0.0.1'): Promise<TcpProxy> {
    const proxy = new TcpProxy(new URL(targetUrl))
    proxy.#server.listen(0, host)
    await once(proxy.#server, 'listening')
    return proxy
  }

  get url(): string {
    const { address, port } = this.#server.address() as AddressInfo
    return `nats://${address}:${port}`
  }

  get lostMessages(): number {
    return [...this.#connections].reduce((sum, { filter }) => sum + filter.lost, this.#lostBefore)
  }

  #lostBefore = 0

  behave(change: Partial<Conduct>): void {
    this.conduct = { ...this.conduct, ...change }
    for (const connection of this.#connections) connection.update()
  }

  /** Ends all connections, as a reset does. */
  breakConnections(): void {
    for (const connection of this.#connections) connection.end()
  }

  close(): void {
    this.breakConnections()
    this.#server.close()
  }

  #accept(fromStore: Socket): void {
    if (this.conduct.refuses) {
      fromStore.on('error', ignoreBreak)
      fromStore.resetAndDestroy()
      return
    }
    const connection: Connection = new Connection(this, fromStore, connect(this.#target), () => {
      this.#lostBefore += connection.filter.lost
      this.#connections.delete(connection)
    })
    this.#connections.add(connection)
  }
}

class Connection {
  readonly filter: PublishFilter
  readonly #store: Socket
  readonly #broker: Socket
  readonly #pipes: readonly Pipe[]
  readonly #onEnd: () => void
  #isOver = false

  constructor(proxy: TcpProxy, store: Socket, broker: Socket, onEnd: () => void) {
    this.#store = store
    this.#broker = broker
    this.#onEnd = onEnd
    this.filter = new PublishFilter((subject) => proxy.conduct.isLost(subject))
    this.#pipes = [
      new Pipe(proxy, 'toBroker', store, broker, (bytes) => this.filter.pass(bytes)),
      new Pipe(proxy, 'toStore', broker, store, (bytes) => [bytes]),
    ]
    for (const socket of [store, broker]) {
      socket.setNoDelay(true)
      socket.on('error', ignoreBreak)
      socket.on('close', () => this.end())
    }
  }

  update(): void {
    for (const pipe of this.#pipes) pipe.pump()
  }

  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#store.destroy()
    this.#broker.destroy()
    for (const pipe of this.#pipes) pipe.end()
    this.#onEnd()
  }
}

/** One direction of one connection. */
class Pipe {
  readonly #proxy: TcpProxy
  readonly #direction: Direction
  readonly #from: Socket
  readonly #to: Socket
  readonly #held: { readonly bytes: Buffer; readonly dueMs: number }[] = []
  #heldBytes = 0
  #timer: NodeJS.Timeout | undefined

  constructor(
    proxy: TcpProxy,
    direction: Direction,
    from: Socket,
    to: Socket,
    transform: (bytes: Buffer) => readonly Buffer[],
  ) {
    this.#proxy = proxy
    this.#direction = direction
    this.#from = from
    this.#to = to
    from.on('data', (bytes: Buffer) => {
      for (const piece of transform(bytes)) this.#take(piece)
      this.pump()
    })
    to.on('drain', () => this.pump())
  }

  /** Writes what may go by now, and reads on when there is room. */
  pump(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#proxy.conduct.stalled.has(this.#direction)) {
      if (this.#heldBytes > HELD_BYTES_MAX) this.#from.pause()
      return
    }
    const nowMs = performance.now()
    for (let first = this.#held[0]; first !== undefined && first.dueMs <= nowMs; first = this.#held[0]) {
      this.#held.shift()
      this.#heldBytes -= first.bytes.length
      this.#to.write(first.bytes)
    }
    const next = this.#held[0]
    if (next !== undefined) this.#timer = setTimeout(() => this.pump(), next.dueMs - nowMs)
    if (this.#heldBytes > HELD_BYTES_MAX || this.#to.writableNeedDrain) this.#from.pause()
    else this.#from.resume()
  }

  end(): void {
    clearTimeout(this.#timer)
  }

  #take(bytes: Buffer): void {
    this.#held.push({ bytes, dueMs: performance.now() + this.#proxy.conduct.delayMs })
    this.#heldBytes += bytes.length
  }
}

/** Connections are broken on purpose; both ends find out by themselves. */
function ignoreBreak(): void {}
