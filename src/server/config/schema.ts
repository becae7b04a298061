/**
 * The one schema of the configuration: every setting with its kind, its default and its nature. Everything else in this folder reads it; nothing
 * repeats it. Settings that need others for their default are marked and filled in by the loader.
 */
import { z } from 'zod'
import { LIMITS } from '../../base/index.ts'
import {
  brokerAddresses,
  choice,
  duration,
  flag,
  identifier,
  identifiers,
  type Leaf,
  labels,
  listen,
  optionalText,
  size,
  text,
  whole,
} from './leaf.ts'

const KiB = 1024
const MiB = 1024 * KiB
const GiB = 1024 * MiB
const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
const DAY_MS = 24 * 60 * MINUTE_MS

/** What is known of a setting beyond its schema. */
export interface SettingMeta extends Omit<Leaf<never>, 'schema' | 'print'> {
  readonly print?: (value: never) => unknown
  /** May change while the process runs. */
  readonly dynamic: boolean
  /** `value`: never shown. `url`: credentials inside of it are never shown. */
  readonly secret?: 'value' | 'url'
  /** Checked, and without effect in this version. */
  readonly idle?: boolean
}

type Nature = Partial<Pick<SettingMeta, 'dynamic' | 'secret' | 'idle'>>

/** Filled while this module loads, constant afterwards. */
export const settingMetas = z.registry<SettingMeta>()

/** A setting whose default the loader works out, or that has none. */
function setting<T>(leaf: Leaf<T>, nature: Nature = {}): z.ZodType<T> {
  const { schema, ...known } = leaf
  return z.pipe(z.any(), schema).register(settingMetas, { dynamic: false, ...known, ...nature })
}

function defaulted<T>(leaf: Leaf<T>, value: T, nature: Nature = {}): z.ZodDefault<z.ZodType<T>> {
  const { schema, ...known } = leaf
  return z._default(schema, value as never).register(settingMetas, { dynamic: false, ...known, ...nature })
}

/** Named as the `nats` client names them. */
const transportTls: Leaf<z.output<typeof transportTlsSchema> | null | undefined> = {
  schema: z.lazy(() => transportTlsSchema.nullable().optional()),
  form: 'document',
  expected:
    'null to refuse encryption, or a map that may have certFile, cert, keyFile, key, caFile, ca, handshakeFirst, rejectUnauthorized',
}
