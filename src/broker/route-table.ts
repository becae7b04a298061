/**
 * From a literal subject to those who get its messages, remembered per subject: the index is searched once per subject and change of
 * subscriptions, not once per message. Routes are immutable arrays, so one that is being delivered survives any change made meanwhile;
 * what closed since is marked on the subscription itself.
 */
import { present } from '../base/index.ts'
import { hasWildcard } from './subject.ts'
import type { Subscription } from './subscription.ts'
import { SubscriptionIndex } from './subscription-index.ts'

export interface QueueGroup {
  /** At least one. */
  readonly members: readonly Subscription[]
  /** Whose turn is next; may run past the end, so take it modulo the length. */
  next: number
}

export interface Route {
  readonly plain: readonly Subscription[]
  readonly groups: readonly QueueGroup[]
}

export class RouteTable {
  readonly #index = new SubscriptionIndex()
  readonly #subjectsMax: number
  /**
   * Two generations bound the cache without a list of uses: when the young one is full it becomes the old one, and the old one is
   * forgotten. A subject in use is promoted on its next message, so a stream of one-time reply subjects cannot drive it out.
   */
  #young = new Map<string, Route>()
  #old = new Map<string, Route>()
  /** Spreads the first pick of new groups, so that groups on many one-time subjects do not all begin with the same member. */
  #firstPick = 0

  constructor(subjectsMax: number) {
    this.#subjectsMax = Math.max(1, subjectsMax >> 1)
  }

  get subscriptions(): number {
    return this.#index.size
  }

  add(subscription: Subscription): void {
    this.#index.add(subscription)
    this.#forget(subscription.subject)
  }

  remove(subscription: Subscription): void {
    this.#index.remove(subscription)
    this.#forget(subscription.subject)
  }

  routeOf(subject: string): Route {
    const known = this.#young.get(subject)
    if (known !== undefined) return known
    const route = this.#old.get(subject) ?? this.#resolve(subject)
    if (this.#young.size >= this.#subjectsMax) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(subject, route)
    return route
  }

  #forget(subject: string): void {
    if (hasWildcard(subject)) {
      this.#young.clear()
      this.#old.clear()
    } else {
      this.#young.delete(subject)
      this.#old.delete(subject)
    }
  }

  #resolve(subject: string): Route {
    const plain: Subscription[] = []
    const byQueue = new Map<string, Subscription[]>()
    for (const subscription of this.#index.match(subject)) {
      if (subscription.queue === undefined) {
        plain.push(subscription)
        continue
      }
      // Members of one group may have come by different patterns; a message still goes to one of them.
      if (!byQueue.has(subscription.queue)) byQueue.set(subscription.queue, [])
      present(byQueue.get(subscription.queue), 'queue group').push(subscription)
    }
    const groups: QueueGroup[] = []
    for (const members of byQueue.values()) groups.push({ members, next: this.#firstPick++ % members.length })
    return { plain, groups }
  }
}
