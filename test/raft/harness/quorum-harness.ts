/** The commands `committed` and `vote` on the arithmetic of quorums, with the self-checks of the data format. */
import {
  jointIndex,
  jointVote,
  majorityIndex,
  majorityVote,
  quorumSize,
  type VoteOutcome,
} from '../../../src/raft/quorum.ts'
import { Arguments, type Directive } from './data-file.ts'
import { hex } from './format.ts'

export function runQuorumDirective(directive: Directive): string {
  const args = new Arguments(directive)
  const incoming = args.numbers('cfg') ?? []
  const isJoint = args.has('cfgj')
  const outgoing = args.list('cfgj')?.[0] === 'zero' ? [] : (args.numbers('cfgj') ?? [])
  const ids = [...new Set([...incoming, ...outgoing])]
  switch (directive.command) {
    case 'committed': {
      const given = args.list('idx') ?? []
      if (given.length !== ids.length) return `got ${given.length} values for ${ids.length} voters`
      const known = new Map<number, number>()
      ids.forEach((id, i) => {
        if (given[i] !== '_') known.set(id, Number(given[i]))
      })
      return committed(incoming, outgoing, isJoint, ids, known)
    }
    case 'vote': {
      const given = args.list('votes') ?? []
      if (given.length !== ids.length) return `got ${given.length} values for ${ids.length} voters`
      const votes = new Map<number, boolean>()
      ids.forEach((id, i) => {
        if (given[i] !== '_') votes.set(id, given[i] === 'y')
      })
      const text = { won: 'VoteWon', lost: 'VoteLost', pending: 'VotePending' }
      const a = voteOf(incoming, votes)
      const b = voteOf(outgoing, votes)
      const result = isJoint ? jointVote(a, b) : a
      const swapped = isJoint ? jointVote(b, a) : a
      return `${text[result]}\n${swapped === result ? '' : `swapped: ${text[swapped]}\n`}`
    }
    default:
      return `unknown command ${directive.command}`
  }
}

function indexOf(half: readonly number[], known: ReadonlyMap<number, number>): number {
  return majorityIndex(half.map((id) => known.get(id) ?? 0))
}

/** The largest known index that a majority has acknowledged: the definition, without any cleverness. */
export function naiveIndex(half: readonly number[], known: ReadonlyMap<number, number>): number {
  if (half.length === 0) return Number.POSITIVE_INFINITY
  let best = 0
  for (const candidate of half.map((id) => known.get(id) ?? 0)) {
    const acknowledged = half.filter((id) => (known.get(id) ?? 0) >= candidate).length
    if (acknowledged >= quorumSize(half.length) && candidate > best) best = candidate
  }
  return best
}

function voteOf(half: readonly number[], votes: ReadonlyMap<number, boolean>): VoteOutcome {
  const granted = half.filter((id) => votes.get(id) === true).length
  const refused = half.filter((id) => votes.get(id) === false).length
  return majorityVote(granted, refused, half.length)
}

function committed(
  incoming: readonly number[],
  outgoing: readonly number[],
  isJoint: boolean,
  ids: readonly number[],
  known: ReadonlyMap<number, number>,
): string {
  const result = isJoint ? jointIndex(indexOf(incoming, known), indexOf(outgoing, known)) : indexOf(incoming, known)
  let checks = ''
  const check = (name: string, other: number) => {
    if (other !== result) checks += `${indexText(other)} <-- via ${name}\n`
  }
  if (isJoint) {
    check('swapped halves', jointIndex(indexOf(outgoing, known), indexOf(incoming, known)))
  } else {
    check('naive calculation', naiveIndex(incoming, known))
    check('empty other half', jointIndex(indexOf(incoming, known), indexOf([], known)))
    check('identical halves', jointIndex(indexOf(incoming, known), indexOf(incoming, known)))
    for (const [id, index] of known) {
      if (index === 0 || index >= result) continue
      for (const lower of [index - 1, 0]) {
        check(`${id} lowered to ${lower}`, indexOf(incoming, new Map(known).set(id, lower)))
      }
    }
  }
  return `${chart(ids, known)}${indexText(result)}\n${checks}`
}

function indexText(index: number): string {
  return index === Number.POSITIVE_INFINITY ? '∞' : String(index)
}

function chart(ids: readonly number[], known: ReadonlyMap<number, number>): string {
  const count = ids.length
  if (count === 0) return '<empty majority quorum>'
  const rows = ids
    .map((id) => ({ id, index: known.get(id) ?? 0, isKnown: known.has(id), bar: 0 }))
    .sort((a, b) => a.index - b.index || a.id - b.id)
  let previous: { index: number; bar: number } | undefined
  rows.forEach((row, k) => {
    if (previous !== undefined) row.bar = row.index > previous.index ? k : previous.bar
    previous = row
  })
  let text = `${' '.repeat(count)}    idx\n`
  for (const row of rows.sort((a, b) => a.id - b.id)) {
    const bar = row.isKnown ? `${'x'.repeat(row.bar)}>${' '.repeat(count - row.bar)}` : `?${' '.repeat(count)}`
    text += `${bar} ${String(row.index).padStart(5)}    (id=${hex(row.id)})\n`
  }
  return text
}
