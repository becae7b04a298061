/**
 * The routes about this process: is it alive, is it ready, what does it measure, what is it.
 */

import { errorValue } from '../../protocol/index.ts'
import type { Exchange } from '../exchange.ts'
import type { ExchangeSet } from '../exchange-set.ts'
import { refusal } from '../failures.ts'
import type { LoadLimiter } from '../load-limiter.ts'
import type { GatewayOptions, Readiness } from '../options.ts'
import type { Handler } from '../route-definition.ts'
import { shardId } from './cluster.ts'

export function showLive(exchange: Exchange): void {
  exchange.sendJson(200, { status: 'alive' })
}

export function showReady(readiness: () => Readiness): Handler {
  return (exchange) => {
    const { ready, reasons } = readiness()
    if (ready) exchange.sendJson(200, { ready, reasons })
    else sendNotReady(exchange, reasons)
  }
}

export function showHealth(options: GatewayOptions): Handler {
  return (exchange) => {
    const { ready, reasons } = options.readiness()
    if (!ready) sendNotReady(exchange, reasons)
    else exchange.sendJson(200, { status: 'healthy', ready, reasons, store: options.storeId, version: options.version })
  }
}

function sendNotReady(exchange: Exchange, reasons: readonly string[]): void {
  const message = reasons.length === 0 ? 'the store is not ready' : `the store is not ready: ${reasons.join('; ')}`
  exchange.sendError(errorValue('NOT_READY', message), { ready: false, reasons })
}

export function showVersion(options: GatewayOptions): Handler {
  return (exchange) =>
    exchange.sendJson(200, {
      name: 'flotilla',
      version: options.version,
      store: options.storeId,
      node: process.version,
    })
}

export function showMetrics(options: GatewayOptions): Handler {
  return async (exchange) => {
    const page = options.metricsPage
    if (page === undefined) throw refusal('ROUTE_NOT_FOUND', 'this process keeps no metrics')
    exchange.sendText(200, page.contentType, await page.metrics())
  }
}

export function showStats(options: GatewayOptions, set: ExchangeSet, limiter: LoadLimiter): Handler {
  const startedMs = options.clock.nowMs()
  return (exchange) =>
    exchange.sendJson(200, {
      store: options.storeId,
      version: options.version,
      uptimeSeconds: Math.floor((options.clock.nowMs() - startedMs) / 1000),
      gateway: {
        inflight: set.size,
        inflightLimit: limiter.limit,
        refused: limiter.refused,
        bodyBytes: set.bodyBytes,
        unreadBytes: set.unread.bytes,
        answered: set.answered,
      },
      memory: process.memoryUsage(),
      ...options.stats?.(),
    })
}

export async function debugRaft(exchange: Exchange): Promise<void> {
  const { router, storeId } = exchange.services
  const store = exchange.query.text('store') ?? storeId
  const replica = await router.admin.describeReplica(store, shardId(exchange), {
    timeoutMs: exchange.remainingMs,
    signal: exchange.signal,
  })
  exchange.sendJson(200, { store, replica })
}
