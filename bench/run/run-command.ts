/** `bench run`: one load on a cluster that is already there. Makes the target, preloads, measures, prints. */
import { writeFileSync } from 'node:fs'
import { type Clock, unreachable } from '../../src/base/index.ts'
import {
  EtcdLeader,
  etcdDialect,
  FlotillaLeaders,
  flotillaDialect,
  type HttpEndpoint,
  HttpTarget,
} from '../http/index.ts'
import type { Target } from '../load/index.ts'
import { FlotillaNativeTarget, JetStreamTarget } from '../targets/index.ts'
import { createDataSet, measure, preload } from './measure.ts'
import { describeMeasurement, describeRun } from './report.ts'
import { parseHttpEndpoint, type RunOptions } from './run-options.ts'

const JETSTREAM_REPLICAS = 3

/** Answers the exit code: 0, or 1 when a read was wrong or nothing succeeded. Rejects when the target cannot be reached. */
export async function runCommand(
  options: RunOptions,
  clock: Clock,
  runId: number,
  print: (line: string) => void,
): Promise<number> {
  const data = createDataSet(options.keyCount, options.keyPrefix, options.keyLayout, options.valueBytes, runId)
  const target = createTarget(options)
  for (const line of describeRun(options)) print(line)
  if (options.preload) {
    const loaded = await preload(target, data, options.timeoutMs, clock)
    const failures = loaded.errorCount === 0 ? '' : `, ${loaded.errorCount} failed: ${JSON.stringify(loaded.errors)}`
    print(`${'preloaded'.padEnd(12)} ${loaded.operations} keys in ${loaded.seconds.toFixed(1)} s${failures}`)
  }
  const measurement = await measure(target, data, options, { pids: [], metricsUrls: metricsUrls(options) }, clock)
  for (const line of describeMeasurement(measurement)) print(line)
  if (options.jsonFile !== undefined) {
    const { token: _secret, ...shown } = options
    writeFileSync(options.jsonFile, `${JSON.stringify({ options: shown, ...measurement }, undefined, 2)}\n`)
  }
  return measurement.load.violationCount === 0 && measurement.load.operations > 0 ? 0 : 1
}

function createTarget(options: RunOptions): Target {
  switch (options.target) {
    case 'flotilla-http': {
      const endpoints = options.endpoints.map(parseHttpEndpoint)
      const authorization = options.token === undefined ? undefined : `Bearer ${options.token}`
      const headers = authorization === undefined ? '' : `Authorization: ${authorization}\r\n`
      const leaders = new FlotillaLeaders(endpoints, authorization === undefined ? {} : { authorization })
      return new HttpTarget(flotillaDialect(headers), endpoints, options.leaders ? leaders : undefined)
    }
    case 'etcd-http': {
      const endpoints = options.endpoints.map(parseHttpEndpoint)
      return new HttpTarget(etcdDialect(), endpoints, options.leaders ? new EtcdLeader(endpoints) : undefined)
    }
    case 'flotilla-native':
      return new FlotillaNativeTarget({ url: options.endpoints.join(','), clients: 1 })
    case 'jetstream':
      return new JetStreamTarget({
        servers: options.endpoints,
        bucket: 'bench',
        replicas: Math.min(JETSTREAM_REPLICAS, options.endpoints.length),
        timeoutMs: options.timeoutMs,
      })
    default:
      return unreachable(options.target)
  }
}

function metricsUrls(options: RunOptions): string[] {
  if (options.target !== 'flotilla-http') return []
  return options.endpoints.map(parseHttpEndpoint).map((endpoint) => `http://${authority(endpoint)}/metrics`)
}

function authority(endpoint: HttpEndpoint): string {
  return endpoint.host.includes(':') ? `[${endpoint.host}]:${endpoint.port}` : `${endpoint.host}:${endpoint.port}`
}
