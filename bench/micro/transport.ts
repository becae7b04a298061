/**
 * What the transport costs: round trips per second between two transports in this process over a local broker, at a fixed number in
 * flight, with the CPU time they took. The broker runs in a process of its own when a nats-server is found, else in this one, which is
 * then said, because its work is part of the figure.
 *
 *   node --import tsx bench/micro/transport.ts [seconds per figure]
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Clock, Random } from '../../src/base/index.ts'
import { type Broker, startBroker } from '../../src/broker/index.ts'
import { openNatsTransport, type Transport, type TransportHandlers } from '../../src/transport/index.ts'

const clock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs).unref()
    return { cancel: () => clearTimeout(timer) }
  },
  soon(run) {
    setImmediate(run)
  },
}
const random: Random = { below: (bound) => Math.floor(Math.random() * bound) }

const secondsPerFigure = Number(process.argv[2] ?? 2)

interface BenchBroker {
  readonly url: string
  readonly what: string
  stop(): Promise<void>
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  return port
}

async function startNatsServer(): Promise<BenchBroker | undefined> {
  const port = await freePort()
  const child: ChildProcess = spawn('nats-server', ['-a', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' })
  const isThere = await Promise.race([once(child, 'spawn').then(() => true), once(child, 'error').then(() => false)])
  if (!isThere) return undefined
  await delay(300)
  return {
    url: `nats://127.0.0.1:${port}`,
    what: 'nats-server in a process of its own',
    async stop() {
      child.kill()
      await once(child, 'exit')
    },
  }
}

async function startEmbedded(): Promise<BenchBroker> {
  const broker: Broker = await startBroker({ host: '127.0.0.1', port: 0 })
  return { url: broker.url, what: 'embedded broker in this process', stop: () => broker.stop() }
}

function open(broker: BenchBroker, address: string, handlers?: TransportHandlers): Promise<Transport> {
  return openNatsTransport({
    servers: [broker.url],
    role: 'store',
    clusterId: 'bench',
    address,
    incarnation: 'bench',
    clock,
    random,
    ...(handlers === undefined ? {} : { handlers }),
  })
}

const echo: TransportHandlers = {
  onItems() {},
  onRequest(request) {
    request.reply(request.body)
  },
  onState() {},
}

/** Keeps `inFlight` requests under way for a while; answers a line with the rates. */
async function roundTrips(a: Transport, b: Transport, inFlight: number, bytes: number): Promise<string> {
  const body = new Uint8Array(bytes).fill(7)
  let ended = 0
  let failed = 0
  let isOver = false
  let underWay = 0
  const next = (): void => {
    underWay++
    a.request('b', body, 10_000, (answer) => {
      underWay--
      if (answer instanceof Uint8Array) ended++
      else failed++
      if (!isOver) next()
    })
  }
  for (let i = 0; i < inFlight; i++) next()
  await delay(500)
  const before = {
    ended,
    frames: a.stats().framesSent + b.stats().framesSent,
    cpu: process.cpuUsage(),
    ms: clock.nowMs(),
  }
  await delay(secondsPerFigure * 1000)
  const seconds = (clock.nowMs() - before.ms) / 1000
  const cpu = process.cpuUsage(before.cpu)
  const count = ended - before.ended
  const frames = a.stats().framesSent + b.stats().framesSent - before.frames
  isOver = true
  while (underWay > 0) await delay(10)
  const cpuUs = (cpu.user + cpu.system) / count
  return [
    `${inFlight} in flight, ${bytes} B:`,
    `${Math.round(count / seconds)} round trips/s,`,
    `${Math.round(frames / seconds)} frames/s,`,
    `${cpuUs.toFixed(2)} us of CPU in this process for each,`,
    `${failed} failed`,
  ].join(' ')
}

for (const start of [startNatsServer, startEmbedded]) {
  const broker = await start()
  if (broker === undefined) {
    console.log('no nats-server on PATH: not measured')
    continue
  }
  console.log(`${broker.what}:`)
  const b = await open(broker, 'b', echo)
  const a = await open(broker, 'a')
  for (const inFlight of [1, 64, 512]) console.log(`  ${await roundTrips(a, b, inFlight, 128)}`)
  await Promise.all([a.close(), b.close()])
  await broker.stop()
}
