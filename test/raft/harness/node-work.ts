/** Handling a Ready, and the two storage threads, of a node of the interaction harness: print, perform, pass messages on. */
import type { AppendAck, AsyncReady, Entry, Message, Ready, SnapshotMeta, SyncReady } from '../../../src/raft/index.ts'
import {
  entriesText,
  hardStateText,
  type ShownMessage,
  shown,
  shownAppend,
  shownAppendAck,
  shownApply,
  shownApplyAck,
  shownText,
  snapshotText,
  softStateText,
} from './format.ts'
import type { InteractionNode } from './interaction-node.ts'
import type { Output } from './output.ts'

/** Something on its way to a node. */
export type Delivery =
  | { readonly kind: 'message'; readonly to: number; readonly message: Message }
  | {
      readonly kind: 'append-ack'
      readonly to: number
      readonly ack: AppendAck
      readonly snapshot: SnapshotMeta | undefined
    }
  | { readonly kind: 'apply-ack'; readonly to: number; readonly entries: readonly Entry[] }

export function textOf(delivery: Delivery): string {
  return shownText(shownDelivery(delivery))
}

function shownDelivery(delivery: Delivery): ShownMessage {
  switch (delivery.kind) {
    case 'message':
      return shown(delivery.message)
    case 'append-ack':
      return shownAppendAck(delivery.to, delivery.ack, delivery.snapshot)
    case 'apply-ack':
      return shownApplyAck(delivery.to, delivery.entries)
  }
}

function toDelivery(message: Message): Delivery {
  return { kind: 'message', to: message.to, message }
}

/** Takes one Ready; returns what goes onto the network. */
export function handleReady(node: InteractionNode, output: Output): readonly Delivery[] {
  const ready = node.raft.ready()
  output.print(readyText(node, ready))
  if (ready.mode === 'sync') {
    node.persist(ready)
    node.apply(ready.committedEntries)
    const deliveries = ready.messages.map(toDelivery)
    node.raft.advance()
    return deliveries
  }
  if (ready.append !== undefined) node.appendWork.push(ready.append)
  if (ready.apply !== undefined) node.applyWork.push(ready.apply.entries)
  return ready.messages.map(toDelivery)
}

export function processAppend(node: InteractionNode, output: Output): readonly Delivery[] {
  const work = node.appendWork.shift()
  if (work === undefined) {
    output.print('no append work to perform')
    return []
  }
  output.print(`Processing:\n${shownText(shownAppend(node.id, work, []))}\n`)
  node.persist(work)
  const deliveries = appendResponses(node.id, work)
  output.print(`Responses:\n${deliveries.map((one) => `${textOf(one)}\n`).join('')}`)
  return deliveries
}

export function processApply(node: InteractionNode, output: Output): readonly Delivery[] {
  const entries = node.applyWork.shift()
  if (entries === undefined) {
    output.print('no apply work to perform')
    return []
  }
  output.print(`Processing:\n${shownText(shownApply(node.id, entries, []))}\n`)
  node.apply(entries)
  const delivery: Delivery = { kind: 'apply-ack', to: node.id, entries }
  output.print(`Responses:\n${textOf(delivery)}\n`)
  return [delivery]
}

function appendResponses(id: number, work: NonNullable<AsyncReady['append']>): readonly Delivery[] {
  const deliveries = work.responses.map(toDelivery)
  const { ack, snapshot } = work
  if (ack !== undefined) deliveries.push({ kind: 'append-ack', to: id, ack, snapshot })
  return deliveries
}

function readyText(node: InteractionNode, ready: Ready): string {
  const parts = ready.mode === 'sync' ? syncParts(ready) : asyncParts(node.id, ready)
  const text =
    (ready.softState === undefined ? '' : `${softStateText(ready.softState)}\n`) +
    (parts.hardState === undefined ? '' : `HardState ${hardStateText(parts.hardState)}\n`) +
    (ready.readStates.length === 0 ? '' : `ReadStates ${ready.readStates.map((one) => one.index).join(' ')}\n`) +
    (parts.entries.length === 0 ? '' : `Entries:\n${entriesText(parts.entries)}`) +
    (parts.snapshot === undefined ? '' : `Snapshot ${snapshotText(parts.snapshot)}\n`) +
    (parts.committed.length === 0 ? '' : `CommittedEntries:\n${entriesText(parts.committed)}`) +
    (parts.messages.length === 0
      ? ''
      : `Messages:\n${parts.messages.map((message) => `${shownText(message)}\n`).join('')}`)
  return text === '' ? '<empty Ready>' : `Ready MustSync=${parts.mustSync}:\n${text}`
}

interface ReadyParts {
  readonly hardState: SyncReady['hardState']
  readonly entries: readonly Entry[]
  readonly snapshot: SnapshotMeta | undefined
  readonly committed: readonly Entry[]
  readonly messages: readonly ShownMessage[]
  readonly mustSync: boolean
}

function syncParts(ready: SyncReady): ReadyParts {
  const { hardState, entries, snapshot, committedEntries: committed, mustSync } = ready
  return { hardState, entries, snapshot, committed, mustSync, messages: ready.messages.map(shown) }
}

/** The two pieces of storage work appear as messages to the two threads. */
function asyncParts(id: number, ready: AsyncReady): ReadyParts {
  const { append, apply } = ready
  const messages = ready.messages.map(shown)
  if (append !== undefined) {
    messages.push(shownAppend(id, append, appendResponses(id, append).map(shownDelivery)))
  }
  if (apply !== undefined) {
    messages.push(shownApply(id, apply.entries, [shownApplyAck(id, apply.entries)]))
  }
  return {
    hardState: append?.hardState,
    entries: append?.entries ?? [],
    snapshot: append?.snapshot,
    committed: apply?.entries ?? [],
    messages,
    mustSync: append?.mustSync ?? false,
  }
}
