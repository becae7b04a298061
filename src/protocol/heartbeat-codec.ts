/**
 * What stores tell the placement driver, and its answer, as MessagePack lists.
 *
 *   heartbeat  [store, sequence, full, mapVersion, replicas, bytes, uptimeSeconds, [led, ...], [shard id no longer led, ...],
 *               snapshots, capacityBytes, availableBytes, [damaged shard id, ...], configVersion]
 *   led        [shard, term, bytes, keys, readsPerSecond, writesPerSecond, [key, hits, ...], [key, readsPerSecond, writesPerSecond, ...],
 *               [silent store, silentMs, ...], [store far behind, ...]]
 *   answer     [resend, map or null, [shard id, leader, ...], config or null, snapshot bytes per second or null]
 *   config     [version, [[name, value], ...]]
 *
 * What follows the first nine fields of a heartbeat, and the first six of a led shard, and the config of an answer, older stores do not send. Keys are latin-1 text.
 */

import type { StoreId } from '../../shard-map/index.ts'
import {
  mapFromPlain,
  mapToPlain,
  shardFromPlain,
  shardToPlain,
  storeFromPlain,
  storeToPlain,
} from '../../shard-map/index.ts'
import { type ClusterConfig, readSettings } from '../machine/index.ts'
import type { FieldReader } from './field-reader.ts'
import type { StoreHeartbeat, StoreHeartbeatAnswer } from './requests.ts'
import { readKey } from './shard-request-codec.ts'

export function heartbeatToPlain(heartbeat: StoreHeartbeat): readonly unknown[] {
  return [
    storeToPlain(heartbeat.info),
    heartbeat.sequence,
    heartbeat.full,
    heartbeat.mapVersion,
    heartbeat.replicas,
    heartbeat.bytes,
    heartbeat.uptimeSeconds,
    heartbeat.led.map(({ shard, term, bytes, keys, load, samples, hotKeys, silent, behind }) => [
      shardToPlain(shard),
      term,
      bytes,
      keys,
      load.readsPerSecond,
      load.writesPerSecond,
      samples.flatMap(({ key, hits }) => [key, hits]),
      hotKeys.flatMap(({ key, readsPerSecond, writesPerSecond }) => [key, readsPerSecond, writesPerSecond]),
      silent.flatMap(({ store, silentMs }) => [store, silentMs]),
      behind,
    ]),
    heartbeat.noLongerLed,
    heartbeat.snapshots,
    heartbeat.capacityBytes,
    heartbeat.availableBytes,
    heartbeat.damaged,
    heartbeat.configVersion,
  ]
}

/** Undefined, or marked as failed, when it is none. */
export function readHeartbeat(fields: FieldReader): StoreHeartbeat | undefined {
  const info = fields.model(storeFromPlain)
  if (info === undefined) return undefined
  return {
    info,
    sequence: fields.count(),
    full: fields.flag(),
    mapVersion: fields.count(),
    replicas: fields.count(),
    bytes: fields.measure(),
    uptimeSeconds: fields.measure(),
    led: defined(
      fields.list((led) => {
        const shard = led.model(shardFromPlain)
        if (shard === undefined) return undefined
        return {
          shard,
          term: led.count(),
          bytes: led.measure(),
          keys: led.measure(),
          load: { readsPerSecond: led.measure(), writesPerSecond: led.measure() },
          samples: optionalList(led, 2, (sample) => ({ key: readKey(sample), hits: sample.count() })),
          hotKeys: optionalList(led, 3, (hot) => ({
            key: readKey(hot),
            readsPerSecond: hot.measure(),
            writesPerSecond: hot.measure(),
          })),
          silent: optionalList(led, 2, (silent) => ({ store: silent.text(), silentMs: silent.measure() })),
          behind: optionalList(led, 1, (behind) => behind.text()),
        }
      }),
    ),
    noLongerLed: fields.flat(1, (ids) => ids.count()),
    snapshots: fields.optional(() => fields.count()) ?? 0,
    capacityBytes: fields.optional(() => fields.measure()) ?? 0,
    availableBytes: fields.optional(() => fields.measure()) ?? 0,
    damaged: optionalList(fields, 1, (ids) => ids.count()),
    configVersion: fields.optional(() => fields.count()) ?? 0,
  }
}

/** A flat list that older versions do not send. */
function optionalList<T>(fields: FieldReader, width: number, read: (fields: FieldReader) => T): T[] {
  return fields.optional(() => fields.flat(width, read)) ?? []
}

export function heartbeatAnswerToPlain(answer: StoreHeartbeatAnswer): readonly unknown[] {
  const map = answer.map === undefined ? null : mapToPlain(answer.map)
  const config = answer.config === undefined ? null : configToPlain(answer.config)
  return [answer.resend, map, leadersToPlain(answer.leaders), config, answer.snapshotBytesPerSecond ?? null]
}

export function readHeartbeatAnswer(fields: FieldReader): StoreHeartbeatAnswer {
  return {
    resend: fields.flag(),
    map: fields.optional(() => fields.model(mapFromPlain)),
    leaders: readLeaders(fields),
    config: fields.optional(() => fields.nested(readConfig)),
    snapshotBytesPerSecond: fields.optional(() => Math.max(1, fields.count())),
  }
}

export function configToPlain({ version, settings }: ClusterConfig): readonly unknown[] {
  return [version, [...settings]]
}

/** The settings of a cluster; marked as failed when they are none. */
export function readConfig(fields: FieldReader): ClusterConfig {
  const version = fields.count()
  const plain = fields.any()
  const settings = Array.isArray(plain) ? readSettings(plain) : undefined
  if (settings === undefined) fields.fail()
  return { version, settings: new Map(settings) }
}

export function leadersToPlain(leaders: Readonly<Record<number, StoreId>>): readonly unknown[] {
  return Object.entries(leaders).flatMap(([shard, store]) => [Number(shard), store])
}

export function readLeaders(fields: FieldReader): Record<number, StoreId> {
  return Object.fromEntries(fields.flat(2, (pair) => [pair.count(), pair.text()] as const))
}

/** Items without the holes that a failed reader leaves; the failure itself is on the reader. */
export function defined<T>(items: readonly (T | undefined)[]): T[] {
  return items.filter((item) => item !== undefined)
}
