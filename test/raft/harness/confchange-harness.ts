/** The commands `simple`, `enter-joint` and `leave-joint` on a membership and the progress of its members. */
import { EMPTY_MEMBERSHIP, type MembershipOperation, type MembershipResult } from '../../../src/raft/index.ts'
import { enterJoint, leaveJoint, simpleChange } from '../../../src/raft/membership.ts'
import { progressStatus } from '../../../src/raft/status.ts'
import { Tracker } from '../../../src/raft/tracker.ts'
import { Arguments, type Directive } from './data-file.ts'
import { configurationText, progressMapText } from './format.ts'

const KINDS = { v: 'add-voter', l: 'add-learner', r: 'remove', u: 'update' } as const

/** `v1 l2 r3 u4` */
export function parseOperations(text: string): readonly MembershipOperation[] {
  if (text === '') return []
  return text.split(' ').map((token) => {
    const kind = KINDS[token[0] as keyof typeof KINDS]
    if (kind === undefined || !/^\d+$/.test(token.slice(1))) throw new Error(`unknown operation ${token}`)
    return { kind, replica: Number(token.slice(1)) }
  })
}

export class ConfchangeHarness {
  readonly #tracker = new Tracker(EMPTY_MEMBERSHIP, 0, 10, Number.POSITIVE_INFINITY)
  #lastIndex = 0

  run(directive: Directive): string {
    try {
      return this.#run(directive)
    } finally {
      this.#lastIndex += 1
    }
  }

  #run(directive: Directive): string {
    if (directive.command === 'leave-joint' && directive.input !== '') return 'this command takes no input\n'
    const result = this.#change(directive)
    if (result === undefined) return `unknown command ${directive.command}`
    if (!result.ok) return `${result.error}\n`
    this.#tracker.replaceMembers(result.membership, result.fresh, this.#lastIndex)
    return `${configurationText(result.membership)}\n${this.#progressText()}`
  }

  #change(directive: Directive): MembershipResult | undefined {
    const operations = parseOperations(directive.input)
    const { membership } = this.#tracker
    switch (directive.command) {
      case 'simple':
        return simpleChange(membership, operations)
      case 'enter-joint':
        return enterJoint(membership, operations, new Arguments(directive).boolean('autoleave') ?? false)
      case 'leave-joint':
        return leaveJoint(membership)
      default:
        return undefined
    }
  }

  #progressText(): string {
    return progressMapText(
      this.#tracker.ids.map((id) => {
        const progress = this.#tracker.get(id)
        if (progress === undefined) throw new Error(`no progress of ${id}`)
        return [id, progressStatus(progress)] as const
      }),
    )
  }
}
