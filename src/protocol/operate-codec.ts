/**
 * The requests that people make of the placement driver, as MessagePack lists that begin with their place in WHATS.
 *
 *   start [request, dry run]      request [kind, shard, ...]: move from, to   add-replica store, role   remove-replica, transfer-leader store
 *                                 split key or null, policy or null   merge shard or null
 *   list-operators, list-schedulers, hot, heat-map, show-settings, settings-history []   show-operator, cancel-operator [operator]
 *   drain, decommission, recommission [store, dry run]   forget-store [store]   explain-store [store]   explain-shard [shard]
 *   register-store [store, address, [label, value, ...]]   label-store [store, [[label, value or null], ...]]
 *   snapshot [shard or null, dry run]   compact [shard, dry run]   rebalance [dry run]   pause-scheduler [scheduler, seconds or null]   configure [[[name, value], ...], version or null, by or null]
 *
 * The answer is [true, document] or [false, error].
 */
import { type HandRequest, SCHEDULERS } from '../../shard-map/index.ts'
import { LIMITS, unreachable } from '../base/index.ts'
import { readSettings } from '../machine/index.ts'
import { errorToPlain, readError } from './error-codec.ts'
import type { FieldReader } from './field-reader.ts'
import type { OperateAnswer, OperateRequest } from './operate.ts'
import { readKey } from './shard-request-codec.ts'

/** The order is the format: append only. */
const WHATS = [
  'start',
  'list-operators',
  'show-operator',
  'cancel-operator',
  'drain',
  'decommission',
  'recommission',
  'register-store',
  'forget-store',
  'label-store',
  'rebalance',
  'list-schedulers',
  'pause-scheduler',
  'explain-shard',
  'explain-store',
  'hot',
  'show-settings',
  'configure',
  'heat-map',
  'settings-history',
  'snapshot',
  'compact',
] as const satisfies readonly OperateRequest['what'][]

const HAND_KINDS = [
  'move',
  'add-replica',
  'remove-replica',
  'transfer-leader',
  'split',
  'merge',
] as const satisfies readonly HandRequest['kind'][]

const ROLES = ['voter', 'learner'] as const
const POLICIES = ['size', 'load'] as const

export function operateToPlain(request: OperateRequest): readonly unknown[] {
  const what = WHATS.indexOf(request.what)
  switch (request.what) {
    case 'start':
      return [what, handToPlain(request.request), request.dryRun]
    case 'list-operators':
    case 'list-schedulers':
    case 'hot':
    case 'heat-map':
    case 'show-settings':
    case 'settings-history':
      return [what]
    case 'show-operator':
    case 'cancel-operator':
      return [what, request.operator]
    case 'drain':
    case 'decommission':
    case 'recommission':
      return [what, request.store, request.dryRun]
    case 'forget-store':
    case 'explain-store':
      return [what, request.store]
    case 'explain-shard':
      return [what, request.shard]
    case 'register-store':
      return [what, request.store, request.address, Object.entries(request.labels).flat()]
    case 'label-store':
      return [what, request.store, Object.entries(request.labels)]
    case 'rebalance':
      return [what, request.dryRun]
    case 'snapshot':
      return [what, request.shard ?? null, request.dryRun]
    case 'compact':
      return [what, request.shard, request.dryRun]
    case 'pause-scheduler':
      return [what, SCHEDULERS.indexOf(request.scheduler), request.seconds ?? null]
    case 'configure':
      return [what, request.settings, request.expectedVersion ?? null, request.by ?? null]
    default:
      return unreachable(request)
  }
}

/** Undefined, or marked as failed, when it is none. */
export function readOperate(fields: FieldReader): OperateRequest | undefined {
  const what = fields.choice(WHATS)
  switch (what) {
    case 'start': {
      const request = fields.nested(readHand)
      return { what, request, dryRun: fields.flag() }
    }
    case 'list-operators':
    case 'list-schedulers':
    case 'hot':
    case 'heat-map':
    case 'show-settings':
    case 'settings-history':
      return { what }
    case 'show-operator':
    case 'cancel-operator':
      return { what, operator: fields.text() }
    case 'drain':
    case 'decommission':
    case 'recommission':
      return { what, store: fields.text(), dryRun: fields.flag() }
    case 'forget-store':
    case 'explain-store':
      return { what, store: fields.text() }
    case 'explain-shard':
      return { what, shard: fields.count() }
    case 'register-store':
      return {
        what,
        store: fields.text(),
        address: fields.text(),
        labels: Object.fromEntries(fields.flat(2, (pair) => [pair.text(), pair.text()] as const)),
      }
    case 'label-store': {
      const store = fields.text()
      const labels = fields.list((pair) => [pair.text(), pair.optional(() => pair.text()) ?? null] as const)
      return { what, store, labels: Object.fromEntries(labels) }
    }
    case 'rebalance':
      return { what, dryRun: fields.flag() }
    case 'snapshot':
      return { what, shard: fields.optional(() => fields.count()), dryRun: fields.flag() }
    case 'compact':
      return { what, shard: fields.count(), dryRun: fields.flag() }
    case 'pause-scheduler':
      return { what, scheduler: fields.choice(SCHEDULERS), seconds: fields.optional(() => fields.count()) }
    case 'configure': {
      const plain = fields.any()
      const settings =
        Array.isArray(plain) && plain.length <= LIMITS.settingsPerChangeMax ? readSettings(plain) : undefined
      const expectedVersion = fields.optional(() => fields.count())
      const by = fields.optional(() => fields.text())
      if (settings === undefined) return undefined
      return {
        what,
        settings,
        ...(expectedVersion === undefined ? {} : { expectedVersion }),
        ...(by === undefined ? {} : { by }),
      }
    }
    default:
      return unreachable(what)
  }
}

function handToPlain(request: HandRequest): readonly unknown[] {
  const head = [HAND_KINDS.indexOf(request.kind), request.shard]
  switch (request.kind) {
    case 'move':
      return [...head, request.from, request.to]
    case 'add-replica':
      return [...head, request.store, ROLES.indexOf(request.role)]
    case 'remove-replica':
    case 'transfer-leader':
      return [...head, request.store]
    case 'split':
      return [...head, request.key ?? null, request.policy === undefined ? null : POLICIES.indexOf(request.policy)]
    case 'merge':
      return [...head, request.with ?? null]
    default:
      return unreachable(request)
  }
}

function readHand(fields: FieldReader): HandRequest {
  const kind = fields.choice(HAND_KINDS)
  const shard = fields.count()
  switch (kind) {
    case 'move':
      return { kind, shard, from: fields.text(), to: fields.text() }
    case 'add-replica':
      return { kind, shard, store: fields.text(), role: fields.choice(ROLES) }
    case 'remove-replica':
    case 'transfer-leader':
      return { kind, shard, store: fields.text() }
    case 'split': {
      const key = fields.optional(() => readKey(fields))
      const policy = fields.optional(() => fields.choice(POLICIES))
      return { kind, shard, ...(key === undefined ? {} : { key }), ...(policy === undefined ? {} : { policy }) }
    }
    case 'merge': {
      const other = fields.optional(() => fields.count())
      return { kind, shard, ...(other === undefined ? {} : { with: other }) }
    }
    default:
      return unreachable(kind)
  }
}

export function operateAnswerToPlain(answer: OperateAnswer): readonly unknown[] {
  return answer.ok ? [true, answer.document] : [false, errorToPlain(answer.error)]
}

export function readOperateAnswer(fields: FieldReader): OperateAnswer {
  if (fields.flag()) return { ok: true, document: fields.any() ?? null }
  return { ok: false, error: fields.nested(readError) }
}
