import { bytesToLatin1, LIMITS, utf8Encode } from '../base/index.ts'
import { type AccessToken, type Gateway, startGateway } from '../gateway/index.ts'
import { createLogger, createMetrics, type LogFormat, takeCpuProfile, takeHeapProfile } from '../observe/index.ts'
import { openNatsTransport } from '../transport/index.ts'
import { hostBroker } from './broker-host.ts'
import { acceptsSetting, type Config, digestOf, type SettingSource } from './config/index.ts'
import { DynamicSettings } from './dynamic-settings.ts'
import { eventsPort, openProcessEvents } from './events.ts'
import { loadGatewayTls } from './gateway-tls.ts'
import { withoutUndefined } from './nats-credentials.ts'
import { type Node, openNode } from './node.ts'
import { readMetrics } from './read-metrics.ts'
import { ReadinessEvents } from './readiness-events.ts'
import { SwitchedRpcLog } from './rpc-log.ts'
import { scheduleAsBatch } from './scheduling.ts'
import { makeBundle } from './support-bundle.ts'
import { systemClock, systemRandom } from './system.ts'
import { Tracing } from './tracing.ts'
import { VERSION } from './version.ts'

/** One store process: a node over NATS with a gateway on top, made from its configuration. */
export interface RunningNode {
  /** Where the gateway listens. */
  readonly address: string
  /** Resolves with the reason when the store cannot go on. */
  readonly failed: Promise<Error>
  notReady(): string[]
  /** Takes what may change while the store runs: tokens and certificates. Everything else stays as it was. Answers why nothing was taken, if so. */
  reload(config: Config): string | undefined
  /** Ends in order: no new requests, those in progress answered, leaders handed over, everything flushed. */
  stop(): Promise<void>
}

/** `sources`: where each setting was said, for those who ask the store about it; none of them stands for all of them being defaults. */
export async function startNode(
  config: Config,
  sources: ReadonlyMap<string, SettingSource> = new Map(),
): Promise<RunningNode> {
  const { store, cluster, placement, transport, storage, raft, gateway, observability } = config
  const clock = systemClock
  const certificates = loadGatewayTls(config)
  const { level } = observability.log
  const format = logFormat(config)
  const logger = createLogger({ level, format, store: store.id })
  scheduleAsBatch(logger)
  const tracing = new Tracing(clock, systemRandom, logger)
  await tracing.configure(config)
  const processEvents = openProcessEvents(store.id, level, format)
  const events = processEvents.bus
  events.emit({ type: 'node_starting', data: { version: VERSION, pid: process.pid } })
  const { user, password, token, nkey, creds, tls, clusterKey, clusterKeyAccepted } = transport
  const broker = await hostBroker({
    embedded: transport.embedded,
    servers: transport.servers,
    auth: { user, password, token },
    clock,
    logger,
  })
  if (broker !== undefined) events.emit({ type: 'broker_hosted', data: { url: broker.url } })
  let node: Node | undefined
  let readiness: ReadinessEvents | undefined
  let isStopping = false
  const rpcLog = new SwitchedRpcLog(clock, events)
  try {
    node = await openNode({
      id: store.id,
      address: gateway.listen.text,
      labels: store.labels,
      dir: store.dir,
      engine: storage.engine,
      segmentBytes: storage.segmentBytes,
      overlayBytes: storage.overlayBytes,
      bootstrap: cluster.bootstrap,
      raft: {
        tickMs: raft.tickMs,
        electionTicks: raft.electionTicks,
        heartbeatTicks: raft.heartbeatTicks,
        preVote: raft.preVote,
        checkQuorum: raft.checkQuorum,
        maxInflight: raft.maxInflight,
        maxMessageBytes: raft.maxMessageBytes,
        compactEntries: raft.compactEntries,
        maxUncommittedBytes: LIMITS.uncommittedBytesMax,
      },
      placement: {
        splitBytes: placement.split.bytes,
        splitOpsPerSecond: placement.split.opsPerSecond,
        mergeBytes: placement.merge.bytes,
        mergeAfterSplitMs: placement.merge.afterSplit,
        downAfterMs: placement.downAfter,
        operatorsPerStore: placement.limits.operatorsPerStore,
        snapshotBytesPerSecond: placement.limits.snapshotBytesPerSecond,
      },
      acceptsSetting,
      clock,
      random: systemRandom,
      logger,
      events,
      tracer: tracing,
      openRpcLog: async () => {
        await rpcLog.configure(config)
        return rpcLog
      },
      openTransport: (incarnation) =>
        openNatsTransport({
          clusterId: cluster.id,
          address: store.id,
          incarnation,
          role: 'store',
          servers: transport.servers,
          credentials: withoutUndefined({ user, password, token, nkey, creds }),
          ...(tls === undefined ? {} : { tls }),
          clusterKey,
          clusterKeyAccepted,
          clock,
          random: systemRandom,
          logger,
        }),
    })
    const opened = node
    await processEvents.keepHistory(storage.engine === 'memory' ? undefined : store.dir)
    readiness = new ReadinessEvents(events, clock, () => opened.notReady())
    const metrics = createMetrics(() => readMetrics({ node: opened, events, rpcLog, inflight: () => face.inflight }))
    const history = eventsPort(processEvents)
    const settings = new DynamicSettings({ config, sources }, opened.store.settings, events)
    settings.follow((now) => {
      const { log, events: told } = now.observability
      logger.adjust(log.level, logFormat(now))
      processEvents.adjust(log.level, logFormat(now), told.level)
      // What cannot be changed is told by whoever was to change it.
      void Promise.allSettled([rpcLog.configure(now), tracing.configure(now)])
    })
    const face: Gateway = await startGateway({
      listen: { host: gateway.listen.host, port: gateway.listen.port },
      router: opened.router,
      storeId: store.id,
      version: VERSION,
      readiness: () => {
        const reasons = isStopping ? ['the store is stopping'] : opened.notReady()
        return { ready: reasons.length === 0, reasons }
      },
      clock,
      random: systemRandom,
      logger,
      metrics,
      metricsPage: metrics,
      events,
      history,
      debug: {
        cpuProfile: (seconds, signal) => takeCpuProfile(seconds, clock, signal),
        heapProfile: (seconds, signal) => takeHeapProfile(seconds, clock, signal),
        bundle: () => makeBundle({ node: opened, config, metrics, events: history, clock }),
      },
      settings,
      tracer: tracing,
      tokens: accessTokens(config),
      ...(config.gateway.cors.origins.length === 0 ? {} : { cors: config.gateway.cors }),
      ...(certificates === undefined ? {} : { tls: certificates }),
      rpcLog,
    })
    settings.follow(({ gateway: { limits } }) =>
      face.setLimits({
        valueBytesMax: limits.valueBytes,
        inflightMax: limits.inflight,
        inflightMin: limits.inflightMin,
        queueDelayMs: limits.queueDelayMs,
      }),
    )
    events.emit({
      type: 'node_started',
      data: { address: face.address, version: VERSION },
    })
    return {
      address: face.address,
      failed: opened.failed,
      notReady: () => opened.notReady(),
      reload(changed) {
        // Whether no tokens are safe was judged for the address in the file, and it is the old one that listens.
        if (changed.gateway.listen.text !== gateway.listen.text) {
          return `gateway.listen has changed from ${gateway.listen.text} to ${changed.gateway.listen.text}, which needs a restart`
        }
        if (isGuarded(changed) !== isGuarded(config) || (changed.gateway.tls === null) !== (gateway.tls === null)) {
          return 'gateway.tls is switched on or off, or its caFile, which needs a restart'
        }
        try {
          const renewed = loadGatewayTls(changed)
          if (renewed !== undefined) face.setTls(renewed)
        } catch (error) {
          // Files that cannot be used are the operator's to mend; those of before go on.
          return error instanceof Error ? error.message : String(error)
        }
        face.setTokens(accessTokens(changed))
        events.emit({ type: 'config_reloaded', data: { tokens: changed.gateway.tokens.length } })
        return undefined
      },
      async stop() {
        events.emit({ type: 'node_stopping' })
        readiness?.stop()
        isStopping = true
        // Leaders go first, while everything is still served: whoever asks meanwhile waits for a hand-over, not for an election.
        await opened.store.handOver()
        await face.close()
        // Leadership may have come back while the last requests were answered.
        await opened.store.handOver()
        await opened.close()
        await rpcLog.close()
        await tracing.close()
        await broker?.stop()
        events.emit({ type: 'node_stopped' })
        await processEvents.close()
      },
    }
  } catch (error) {
    readiness?.stop()
    await node?.close()
    await rpcLog.close()
    await tracing.close()
    await broker?.stop()
    await processEvents.close()
    throw error
  }
}

function logFormat({ observability }: Config): LogFormat {
  const { format } = observability.log
  return format === 'auto' ? (process.stderr.isTTY ? 'pretty' : 'json') : format
}

/** Whether clients need certificates. */
function isGuarded({ gateway }: Config): boolean {
  return gateway.tls?.caFile !== undefined
}

function accessTokens({ gateway }: Config): AccessToken[] {
  return gateway.tokens.map(({ name, hash, role, prefixes }) => ({
    name,
    digest: digestOf(hash),
    role,
    prefixes: (prefixes ?? []).map((prefix) => bytesToLatin1(utf8Encode(prefix))),
  }))
}
