/**
 * Finds the subscriptions that match a literal subject: a tree with one level per token, where `*` and `>` are separate branches. It
 * remembers no results (the route cache does) and delivers nothing. Called on SUB, UNSUB, and on the first message of a subject.
 */
import { assert } from '../base/index.ts'
import type { Subscription } from './subscription.ts'

interface Level {
  readonly literals: Map<string, Level>
  /** The branch of `*`. */
  anyToken: Level | undefined
  /** Subscriptions whose subject is the path to here followed by `>`. */
  readonly tail: Set<Subscription>
  /** Subscriptions whose subject ends here. */
  readonly ending: Set<Subscription>
}

function createLevel(): Level {
  return { literals: new Map(), anyToken: undefined, tail: new Set(), ending: new Set() }
}

function isEmpty(level: Level): boolean {
  return level.literals.size === 0 && level.anyToken === undefined && level.tail.size === 0 && level.ending.size === 0
}

export class SubscriptionIndex {
  readonly #root = createLevel()
  #size = 0

  get size(): number {
    return this.#size
  }

  /** The subject must be valid (see `isValidSubscriptionSubject`). */
  add(subscription: Subscription): void {
    const tokens = subscription.subject.split('.')
    const last = tokens.length - 1
    let level = this.#root
    for (const [i, token] of tokens.entries()) {
      if (token === '>' && i === last) {
        level.tail.add(subscription)
        this.#size++
        return
      }
      level = descendOrCreate(level, token)
    }
    level.ending.add(subscription)
    this.#size++
  }

  /** Removes what `add` added, and the branches that hold nothing any more. */
  remove(subscription: Subscription): void {
    const tokens = subscription.subject.split('.')
    const isTail = tokens.at(-1) === '>'
    if (isTail) tokens.pop()
    const path: Level[] = [this.#root]
    let level = this.#root
    for (const token of tokens) {
      const next = token === '*' ? level.anyToken : level.literals.get(token)
      assert(next !== undefined, `subscription to ${subscription.subject} is not in the index`)
      path.push(next)
      level = next
    }
    const removed = (isTail ? level.tail : level.ending).delete(subscription)
    assert(removed, `subscription to ${subscription.subject} is not at its place in the index`)
    this.#size--
    for (let depth = tokens.length - 1; depth >= 0; depth--) {
      const child = path[depth + 1]
      const parent = path[depth]
      const token = tokens[depth]
      if (child === undefined || parent === undefined || token === undefined || !isEmpty(child)) return
      if (token === '*') parent.anyToken = undefined
      else parent.literals.delete(token)
    }
  }

  /** Every subscription that covers the literal `subject`. A subject with an empty token is covered by none. */
  match(subject: string): Subscription[] {
    const tokens = subject.split('.')
    const found: Subscription[] = []
    if (!tokens.includes('')) collect(this.#root, tokens, 0, found)
    return found
  }
}

function descendOrCreate(level: Level, token: string): Level {
  if (token === '*') {
    level.anyToken ??= createLevel()
    return level.anyToken
  }
  const existing = level.literals.get(token)
  if (existing !== undefined) return existing
  const created = createLevel()
  level.literals.set(token, created)
  return created
}

/** Visits each level of the tree at most once, since only one path leads to it. */
function collect(level: Level, tokens: readonly string[], depth: number, found: Subscription[]): void {
  const token = tokens[depth]
  if (token === undefined) {
    for (const subscription of level.ending) found.push(subscription)
    return
  }
  for (const subscription of level.tail) found.push(subscription)
  if (level.anyToken !== undefined) collect(level.anyToken, tokens, depth + 1, found)
  const literal = level.literals.get(token)
  if (literal !== undefined) collect(literal, tokens, depth + 1, found)
}
