/** A gateway with a configuration, over the placement driver's real state machine behind a fake router; for tests of routes and of commands. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { type EventRecord, silentEvents } from '../../src/base/index.ts'
import { encodePlacementCommand, PlacementMachine } from '../../src/machine/index.ts'
import type { OperateRequest } from '../../src/protocol/index.ts'
import { loadConfig } from '../../src/server/config/index.ts'
import { DynamicSettings } from '../../src/server/dynamic-settings.ts'
import { SettingsCache } from '../../src/store/settings-cache.ts'
import { FakeRouter, failure } from './fake-router.ts'
import { type Harness, startHarness } from './harness.ts'

export interface ConfigFace {
  readonly h: Harness
  readonly heard: SettingsCache
  readonly settings: DynamicSettings
  readonly events: EventRecord[]
  /** Answers with the status and the document. */
  patch(document: unknown, query?: string): Promise<{ readonly status: number; json(): Record<string, unknown> }>
  show(): Promise<Record<string, { readonly value: unknown; readonly source: string }>>
}

export async function startConfigFace(t: TestContext): Promise<ConfigFace> {
  const loaded = loadConfig({ flags: { 'gateway.limits.inflight': '7', 'transport.token': 'hunter2' }, env: {} })
  assert.ok(loaded.ok)
  const heard = new SettingsCache()
  const settings = new DynamicSettings(loaded, heard, silentEvents)
  const machine = new PlacementMachine()
  const router = new FakeRouter()
  router.onOperate = (request) => driver(machine, heard, request)
  const events: EventRecord[] = []
  const h = await startHarness(
    t,
    { settings, events: { emit: (event) => void events.push(event), wants: () => true } },
    router,
  )
  return {
    h,
    heard,
    settings,
    events,
    patch: (document, query = '') =>
      h.ask(`/admin/config${query}`, { method: 'PATCH', body: JSON.stringify(document) }),
    show: async () => (await h.ask('/admin/config')).json(),
  }
}

function driver(machine: PlacementMachine, heard: SettingsCache, request: OperateRequest): unknown {
  if (request.what === 'configure') {
    const { settings, expectedVersion, by = '' } = request
    const result = machine.apply(
      encodePlacementCommand({ kind: 'configure', settings, expectedVersion, by, atMs: 1_700_000_000_000 }),
    )
    if (result.kind === 'refused') throw failure({ code: 'OPERATOR_CONFLICT', message: result.message })
    heard.learn(machine.config)
  } else if (request.what === 'settings-history') {
    const changes = machine.configHistory.map(({ version, by, settings }) => ({
      version,
      by,
      settings: settings.map(([name, before, after]) => ({ name, before, after })),
    }))
    return { changes: changes.reverse() }
  } else assert.equal(request.what, 'show-settings')
  const { version, settings } = machine.config
  return { version, settings: Object.fromEntries(settings), unreached: [] }
}
