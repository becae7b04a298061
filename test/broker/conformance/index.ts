/**
 * How a broker behaves towards clients, written once and run on every broker: the embedded one and a real nats-server. Only behaviour that is
 * meant to be equal is here; what differs on purpose is tested with the embedded broker and says so.
 */
import { limitConformance } from './limits.ts'
import { npmClientConformance } from './npm-client.ts'
import type { StartTarget } from './target.ts'
import { wordConformance } from './words.ts'

export type { StartTarget, Target, TargetOptions } from './target.ts'

export function brokerConformance(name: string, start: StartTarget): void {
  npmClientConformance(name, start)
  wordConformance(name, start)
  limitConformance(name, start)
}
