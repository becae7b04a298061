/**
 * The routes of the configuration: what this store goes by, what the cluster is to go by from now on, and who changed that lately. The placement driver
 * keeps the cluster's settings; the port knows the schema.
 */

import { FlotillaError } from '../../protocol/index.ts'
import { ask } from '../ask-driver.ts'
import { decodeDocument, documentTypeOf } from '../document.ts'
import type { Exchange } from '../exchange.ts'
import { invalidArgument, refusal } from '../failures.ts'
import { ADMIN_BODY_BYTES_MAX } from '../limits.ts'
import type { Handler } from '../route-definition.ts'
import type { ClusterSettings, SettingsPlan, SettingsPort } from '../settings-port.ts'

/** Whoever looks for the cause of trouble sees the settings also while nobody leads group 1. */
const SHOW_TIMEOUT_MS = 2_000
/** Changes that meet each other are tried again on what the other one left. */
const ATTEMPTS_MAX = 5

export function showConfig(port: SettingsPort | undefined): Handler {
  return async (exchange) => {
    const settings = present(port)
    exchange.sendJson(200, settings.show(await newestSettings(exchange, settings)))
  }
}

async function newestSettings(exchange: Exchange, port: SettingsPort): Promise<ClusterSettings> {
  const { router } = exchange.services
  const timeoutMs = Math.min(SHOW_TIMEOUT_MS, exchange.remainingMs)
  try {
    return kept(await router.admin.operate({ what: 'show-settings' }, { timeoutMs, signal: exchange.signal })).settings
  } catch (error) {
    // The placement driver cannot be reached: what this store goes by is what it heard last.
    if (!(error instanceof FlotillaError)) throw error
    return port.heard
  }
}

/** Nothing is changed unless everything can be. */
export function patchConfig(port: SettingsPort | undefined): Handler {
  return async (exchange) => {
    const settings = present(port)
    const isDryRun = exchange.query.boolean('dry_run')
    const bytes = await exchange.readBody(ADMIN_BODY_BYTES_MAX, 'INVALID_ARGUMENT')
    const patch = decodeDocument(bytes, documentTypeOf(exchange.requestHeader('content-type')))
    for (let attempt = 1; ; attempt++) {
      const before = kept(await ask(exchange, { what: 'show-settings' }))
      const plan = settings.plan(before.settings, patch)
      if (!plan.ok) throw invalidArgument(plan.errors.join('; '), 'GET /admin/config lists the settings.')
      if (isDryRun || plan.changes.length === 0) {
        exchange.sendJson(200, plan.shown)
        return
      }
      try {
        await change(exchange, settings, before, plan.changes)
        exchange.sendJson(200, plan.shown)
        return
      } catch (error) {
        // Somebody else was faster: what they left is looked at anew.
        const isOvertaken = error instanceof FlotillaError && error.code === 'OPERATOR_CONFLICT'
        if (!isOvertaken || attempt === ATTEMPTS_MAX) throw error
      }
    }
  }
}

async function change(
  exchange: Exchange,
  port: SettingsPort,
  before: Kept,
  changes: Extract<SettingsPlan, { readonly ok: true }>['changes'],
): Promise<void> {
  const by = exchange.grant?.name ?? exchange.remoteAddress
  exchange.mayHaveWritten = true
  const after = kept(await ask(exchange, { what: 'configure', settings: changes, expectedVersion: before.version, by }))
  if (after.version === before.version) return
  const sentence = (name: string, value: unknown): string =>
    `${name}: ${shown(port, name, before.settings.get(name))} -> ${shown(port, name, value)}`
  exchange.services.events.emit({
    type: 'config_changed',
    data: {
      version: after.version,
      by,
      changes: changes.map(([name, value]) => sentence(name, value)).join(', '),
      requestId: exchange.requestId,
      ...(after.unreached.length === 0 ? {} : { unreached: after.unreached.join(',') }),
    },
  })
}

/** Null and undefined: the cluster says nothing of it. */
function shown(port: SettingsPort, name: string, value: unknown): string {
  return value === null || value === undefined ? 'not set' : JSON.stringify(port.display(name, value))
}

interface HistoryChange {
  readonly version: number
  readonly ts: string
  readonly by: string
  readonly settings: readonly { readonly name: string; readonly before: unknown; readonly after: unknown }[]
}

export function showConfigHistory(port: SettingsPort | undefined): Handler {
  return async (exchange) => {
    const settings = present(port)
    const { changes } = (await ask(exchange, { what: 'settings-history' })) as { changes: readonly HistoryChange[] }
    const safe = (name: string, value: unknown): unknown => (value === null ? null : settings.display(name, value))
    exchange.sendJson(200, {
      changes: changes.map((each) => ({
        ...each,
        settings: each.settings.map(({ name, before, after }) => ({
          name,
          before: safe(name, before),
          after: safe(name, after),
        })),
      })),
    })
  }
}

/** The cluster's settings as the placement driver keeps them. */
interface Kept {
  readonly version: number
  readonly settings: ClusterSettings
  /** Stores that have not confirmed a change yet. */
  readonly unreached: readonly string[]
}

function kept(document: unknown): Kept {
  const {
    version,
    settings,
    unreached = [],
  } = document as {
    version: number
    settings: Record<string, unknown>
    unreached?: readonly string[]
  }
  return { version, settings: new Map(Object.entries(settings)), unreached }
}

function present(port: SettingsPort | undefined): SettingsPort {
  if (port === undefined) throw refusal('ROUTE_NOT_FOUND', 'this gateway stands alone and has no configuration to show')
  return port
}
