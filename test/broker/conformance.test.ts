/** Runs the conformance suite on the embedded broker and, where there is one, on a real nats-server. */
import { test } from 'node:test'
import { type BrokerLimits, startBroker } from '../../src/broker/index.ts'
import { findNatsServer, NATS_SERVER_ABSENT, startNatsServer } from '../../tools/cluster/nats-server.ts'
import { brokerConformance, type Target, type TargetOptions } from './conformance/index.ts'

async function startEmbedded({ auth, ...limits }: TargetOptions = {}): Promise<Target> {
  const short: Partial<BrokerLimits> = { closeGraceMs: 200, ...limits }
  return startBroker({ host: '127.0.0.1', port: 0, limits: short, ...(auth === undefined ? {} : { auth }) })
}

async function startReal(options: TargetOptions = {}): Promise<Target> {
  const config: string[] = []
  const set = (key: string, value: number | undefined, unit = ''): void => {
    if (value !== undefined) config.push(`${key}: ${unit === '' ? value : `"${value}${unit}"`}`)
  }
  set('max_payload', options.payloadBytesMax)
  set('max_connections', options.connectionsMax)
  set('max_subscriptions', options.subscriptionsMax)
  set('max_pending', options.pendingBytesMax)
  set('ping_interval', options.pingIntervalMs, 'ms')
  set('ping_max', options.pingsOutMax)
  // A consumer may also be found slow by a write that takes too long, ten seconds by default; a test need not wait for that.
  if (options.pendingBytesMax !== undefined) config.push('write_deadline: "500ms"')
  const server = await startNatsServer({
    config,
    ...(options.auth === undefined ? {} : { auth: options.auth }),
    ...(options.authTimeoutMs === undefined ? {} : { authTimeoutSeconds: options.authTimeoutMs / 1000 }),
  })
  if (server === undefined) throw new Error(NATS_SERVER_ABSENT)
  return server
}

brokerConformance('embedded broker', startEmbedded)

if (findNatsServer() === undefined) {
  console.log(NATS_SERVER_ABSENT)
  test('nats-server', { skip: NATS_SERVER_ABSENT }, () => {})
} else {
  brokerConformance('nats-server', startReal)
}
