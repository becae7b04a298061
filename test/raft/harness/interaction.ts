/** The commands of the interaction harness on a group of nodes and one network between them. */
import { EMPTY_BYTES, present } from '../../../src/base/index.ts'
import {
  type AppendAck,
  type Entry,
  isVoter,
  type MembershipChange,
  type Message,
  type StepError,
} from '../../../src/raft/index.ts'
import { parseOperations } from './confchange-harness.ts'
import { Arguments, type Directive } from './data-file.ts'
import { entriesText, progressMapText, roleText, shown, shownText, TYPES } from './format.ts'
import { bytesOf, ELECTION_TICKS, HEARTBEAT_TICKS, InteractionNode } from './interaction-node.ts'
import { type Delivery, handleReady, processAppend, processApply, textOf } from './node-work.ts'
import { Output, parseLevel } from './output.ts'
import { SafetyChecks } from './safety-checks.ts'

const STEP_ERRORS: Readonly<Record<StepError, string>> = {
  'unknown-sender': 'raft: cannot step as peer not found',
  'local-message': 'raft: cannot step raft local message',
  misaddressed: 'misaddressed message',
  'proposal-dropped': 'raft proposal dropped',
}

/** The text of a directive that was refused. */
class DirectiveError extends Error {}

export class InteractionHarness {
  readonly #nodes: InteractionNode[] = []
  #network: Delivery[] = []
  readonly #output = new Output()
  readonly #checks = new SafetyChecks()

  run(directive: Directive): string {
    this.#output.begin()
    let error: string | undefined
    try {
      this.#run(directive)
    } catch (thrown) {
      // A refused directive is part of the transcript; anything else fails the file.
      if (!(thrown instanceof DirectiveError)) throw thrown
      error = thrown.message
    }
    this.#checks.check(this.#nodes)
    return this.#output.end(error)
  }

  #node(id: number | undefined): InteractionNode {
    return present(this.#nodes[(id ?? 0) - 1], `node ${id}`)
  }

  #run(directive: Directive): void {
    const args = new Arguments(directive)
    const first = args.nodes[0]
    switch (directive.command) {
      case 'add-nodes':
        this.#addNodes(args)
        break
      case 'campaign':
        this.#node(first).raft.campaign()
        break
      case 'propose':
        this.#propose(args)
        break
      case 'propose-conf-change':
        this.#proposeMembership(args, directive.input)
        break
      case 'tick-heartbeat':
        this.#tick(first, HEARTBEAT_TICKS)
        break
      case 'tick-election':
        this.#tick(first, ELECTION_TICKS)
        break
      case 'set-randomized-election-timeout':
        this.#node(first).raft.overrideElectionTimeout(present(args.number('timeout'), 'timeout'))
        break
      case 'stabilize':
        this.#stabilize(args)
        break
      case 'process-ready':
        this.#each(args, 'handling Ready', (node) => this.#handleReady(node))
        break
      case 'process-append-thread':
        this.#each(args, 'processing append thread', (node) => this.#processAppend(node))
        break
      case 'process-apply-thread':
        this.#each(args, 'processing apply thread', (node) => this.#processApply(node))
        break
      case 'deliver-msgs':
        this.#deliver(args)
        break
      case 'log-level':
        this.#output.level = parseLevel(present(args.positional[0], 'level'))
        return
      case 'raft-log':
        this.#showLog(this.#node(first))
        break
      case 'raft-state':
        this.#showState()
        break
      case 'status':
        this.#output.print(progressMapText(this.#node(first).raft.status().progress))
        break
      case 'compact':
        this.#node(first).storage.compact(present(args.nodes[1], 'index'))
        this.#showLog(this.#node(first))
        break
      case 'transfer-leadership':
        this.#node(args.number('from')).raft.transferLeader(present(args.number('to'), 'to'))
        break
      case 'forget-leader':
        this.#node(first).raft.forgetLeader()
        break
      case 'report-unreachable':
        this.#node(first).raft.reportUnreachable(present(args.nodes[1], 'peer'))
        break
      case 'send-snapshot':
        this.#sendSnapshot(this.#node(first), present(args.nodes[1], 'peer'))
        break
      default:
        throw new Error(`unknown command ${directive.command}`)
    }
  }

  #addNodes(args: Arguments): void {
    for (let i = 0; i < present(args.nodes[0], 'number of nodes'); i++) {
      this.#nodes.push(new InteractionNode(this.#nodes.length + 1, args, this.#output))
    }
  }

  #propose(args: Arguments): void {
    const data = bytesOf(present(args.positional[1], 'data'))
    if (!this.#node(args.nodes[0]).raft.propose([data]).ok) throw new DirectiveError('raft proposal dropped')
  }

  #proposeMembership(args: Arguments, input: string): void {
    const operations = parseOperations(input)
    const transitions = { auto: 'auto', implicit: 'joint-implicit', explicit: 'joint-explicit' } as const
    const name = args.value('transition')
    const transition = transitions[(name ?? 'auto') as keyof typeof transitions]
    if (transition === undefined) throw new DirectiveError(`unknown transition ${name}`)
    const isV1 = args.boolean('v1') ?? false
    if (isV1 && (operations.length > 1 || name !== undefined)) {
      throw new DirectiveError('v1 conf change can only have one operation and no transition')
    }
    const change: MembershipChange = { transition, operations, context: EMPTY_BYTES }
    const result = this.#node(args.nodes[0]).raft.proposeMembership(change, isV1 ? 'membership-v1' : 'membership')
    // A refused change leaves an empty entry, which the transcript shows; only refused proposals are errors.
    if (!result.ok && 'leader' in result) throw new DirectiveError('raft proposal dropped')
  }

  #tick(id: number | undefined, count: number): void {
    for (let i = 0; i < count; i++) this.#node(id).raft.tick()
  }

  #each(args: Arguments, what: string, run: (node: InteractionNode) => void): void {
    const nodes = args.nodes.map((id) => this.#node(id))
    for (const node of nodes) {
      if (nodes.length === 1) run(node)
      else {
        this.#output.print(`> ${node.id} ${what}\n`)
        this.#output.indented(() => run(node))
      }
    }
  }

  #handleReady(node: InteractionNode): void {
    this.#network.push(...handleReady(node, this.#output))
  }

  #processAppend(node: InteractionNode): void {
    this.#network.push(...processAppend(node, this.#output))
  }

  #processApply(node: InteractionNode): void {
    this.#network.push(...processApply(node, this.#output))
  }

  #stabilize(args: Arguments): void {
    const level = this.#output.level
    const override = args.value('log-level')
    if (override !== undefined) this.#output.level = parseLevel(override)
    const nodes = args.nodes.length > 0 ? args.nodes.map((id) => this.#node(id)) : this.#nodes
    while (this.#stabilizeRound(nodes)) {
      // Until a round finds nothing to do.
    }
    this.#output.level = level
  }

  #stabilizeRound(nodes: readonly InteractionNode[]): boolean {
    let worked = false
    const section = (node: InteractionNode, what: string, run: () => void) => {
      worked = true
      this.#output.print(`> ${node.id} ${what}\n`)
      this.#output.indented(run)
    }
    for (const node of nodes) {
      if (node.raft.hasReady()) section(node, 'handling Ready', () => this.#handleReady(node))
    }
    for (const node of nodes) {
      const isAddressed = this.#network.some((one) => one.to === node.id)
      if (isAddressed) section(node, 'receiving messages', () => this.#deliverTo(node.id, undefined, false))
    }
    for (const node of nodes) {
      while (node.appendWork.length > 0) {
        section(node, 'processing append thread', () => {
          while (node.appendWork.length > 0) this.#processAppend(node)
        })
      }
    }
    for (const node of nodes) {
      while (node.applyWork.length > 0) {
        section(node, 'processing apply thread', () => {
          while (node.applyWork.length > 0) this.#processApply(node)
        })
      }
    }
    return worked
  }

  #deliver(args: Arguments): void {
    const type = args.value('type')
    let handled = 0
    for (const id of args.nodes) handled += this.#deliverTo(id, type, false)
    for (const id of args.numbers('drop') ?? []) handled += this.#deliverTo(id, type, true)
    if (handled === 0) this.#output.print('no messages\n')
  }

  #deliverTo(id: number, type: string | undefined, drop: boolean): number {
    const taken: Delivery[] = []
    this.#network = this.#network.filter((delivery) => {
      const isTaken =
        delivery.to === id &&
        (type === undefined || typeOf(delivery) === type) &&
        !(drop && (delivery.kind !== 'message' || delivery.message.from === delivery.to))
      if (isTaken) taken.push(delivery)
      return !isTaken
    })
    for (const delivery of taken) {
      this.#output.print(`${drop ? 'dropped: ' : ''}${textOf(delivery)}\n`)
      if (!drop) this.#step(this.#node(id), delivery)
    }
    return taken.length
  }

  #step(node: InteractionNode, delivery: Delivery): void {
    switch (delivery.kind) {
      case 'message':
        this.#stepMessage(node, delivery.message)
        break
      case 'append-ack':
        stepAppendAck(node, delivery.ack)
        break
      case 'apply-ack':
        stepApplyAck(node, delivery.entries)
        break
    }
  }

  #stepMessage(node: InteractionNode, message: Message): void {
    const result = node.raft.step(message)
    if (!result.ok) this.#output.print(`${STEP_ERRORS[result.error]}\n`)
  }

  #showLog(node: InteractionNode): void {
    const { storage } = node
    const [first, last] = [storage.firstIndex(), storage.lastIndex()]
    if (last < first) this.#output.print(`log is empty: first index=${first}, last index=${last}`)
    else this.#output.print(entriesText(storage.all()))
  }

  #showState(): void {
    for (const node of this.#nodes) {
      const { role, term, leader, membership } = node.raft.status()
      const voter = isVoter(membership, node.id) ? '(Voter)' : '(Non-Voter)'
      this.#output.print(`${node.id}: ${roleText(role)} ${voter} Term:${term} Lead:${leader}\n`)
    }
  }

  #sendSnapshot(node: InteractionNode, to: number): void {
    const { term } = node.raft
    const message: Message = { type: 'InstallSnapshot', from: node.id, to, term, snapshot: node.newestSnapshot }
    this.#network.push({ kind: 'message', to, message })
    this.#output.print(shownText(shown(message)))
  }
}

function typeOf(delivery: Delivery): string {
  switch (delivery.kind) {
    case 'message':
      return TYPES[delivery.message.type]
    case 'append-ack':
      return 'MsgStorageAppendResp'
    case 'apply-ack':
      return 'MsgStorageApplyResp'
  }
}

/** Storage speaks about durability, not about the log: a node's view of its log must not change by it. */
function stepAppendAck(node: InteractionNode, ack: AppendAck): void {
  const before = node.logView().join(' ')
  node.raft.appended(ack)
  const after = node.logView().join(' ')
  if (before !== after) throw new Error(`${node.id}: a storage answer changed the log from [${before}] to [${after}]`)
}

/** Applying may make a leader propose, so the view may grow, no more. */
function stepApplyAck(node: InteractionNode, entries: readonly Entry[]): void {
  const before = node.logView()
  node.raft.applied((entries[entries.length - 1] as Entry).index)
  const after = node.logView().slice(0, before.length)
  if (before.join(' ') !== after.join(' ')) {
    throw new Error(`${node.id}: applying changed the log from [${before}] to [${after}]`)
  }
}
