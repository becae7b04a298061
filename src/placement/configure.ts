import type { StoreId } from '../../shard-map/index.ts'
import type { ClusterConfig, ConfigChange, JsonValue, PlacementCommand, PlacementResult } from '../machine/index.ts'
import { type ErrorValue, errorValue, type OperateRequest, timeout } from '../protocol/index.ts'
import { timeText } from './documents.ts'

/**
 * The settings of the cluster as people ask for them: shown, changed, and who changed them. Whether a value is sane was judged by the gateway that
 * knows the schema; here only names are refused that nobody could go by while the cluster runs.
 */
export interface ConfigureContext {
  readonly machine: { readonly config: ClusterConfig; readonly configHistory: readonly ConfigChange[] }
  readonly wallMs: number
  readonly acceptsSetting: (name: string, value: JsonValue) => boolean
  readonly propose: (command: PlacementCommand, done: (result: PlacementResult | undefined) => void) => void
  /** Hands the settings to every store that lives; told who did not confirm. */
  readonly spread: (done: (unreached: readonly StoreId[]) => void) => void
}

export function settingsDocument({ machine }: ConfigureContext): object {
  const { version, settings } = machine.config
  return { version, settings: Object.fromEntries(settings) }
}

/** The newest first. */
export function historyDocument({ machine }: ConfigureContext): object {
  const changes = machine.configHistory.map(({ version, atMs, by, settings }) => ({
    version,
    ts: timeText(atMs),
    by,
    settings: settings.map(([name, before, after]) => ({ name, before, after })),
  }))
  return { changes: changes.reverse() }
}

export function configure(
  context: ConfigureContext,
  request: OperateRequest & { readonly what: 'configure' },
  done: (document: object | undefined, error: ErrorValue | undefined) => void,
): void {
  const { settings, expectedVersion, by } = request
  const strange = settings.find(([name, value]) => !context.acceptsSetting(name, value))
  if (strange !== undefined) {
    const message = `${strange[0]} cannot be changed so while the cluster runs`
    const hint = 'flotilla config show says which settings can, and which version each store runs may matter'
    done(undefined, errorValue('INVALID_ARGUMENT', message, { hint }))
    return
  }
  const who = by === undefined ? {} : { by }
  context.propose({ kind: 'configure', settings, expectedVersion, ...who, atMs: context.wallMs }, (result) => {
    if (result?.kind === 'refused') {
      done(
        undefined,
        errorValue('OPERATOR_CONFLICT', result.message, { hint: 'read the settings again, then change them' }),
      )
    } else if (result?.kind !== 'configured') {
      done(
        undefined,
        timeout('the placement driver lost its leader meanwhile: the settings may have been changed', 'unknown'),
      )
    } else context.spread((unreached) => done({ ...settingsDocument(context), unreached }, undefined))
  })
}
