/**
 * What the clients of a run did and saw: a history for the checkers, counts for the report, and complaints about answers that nothing excuses. All
 * moments are milliseconds since the run began.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import {
  type Action,
  type BatchPlace,
  formatHistory,
  type History,
  type Operation,
  type Outcome,
  type ScanPage,
  type StaleRead,
} from '../../src/testing/check/index.ts'

const COMPLAINTS_MAX = 100

export class Recorder {
  readonly operations: Operation[] = []
  readonly staleReads: StaleRead[] = []
  readonly pages: ScanPage[] = []
  readonly complaints: string[] = []
  /** By kind of operation, then by outcome. */
  readonly counts = new Map<string, Map<string, number>>()
  readonly #startedMs = performance.now()

  nowMs(): number {
    return performance.now() - this.#startedMs
  }

  get history(): History {
    return { operations: this.operations, staleReads: this.staleReads, pages: this.pages }
  }

  operation(client: string, key: string, action: Action, calledMs: number, outcome: Outcome, batch?: BatchPlace): void {
    const returnedMs = this.nowMs()
    this.operations.push({
      client,
      key,
      action,
      calledMs,
      returnedMs,
      outcome,
      ...(batch === undefined ? {} : { batch }),
    })
    this.count(describeKind(action, batch), outcome.kind)
  }

  count(kind: string, outcome: string): void {
    const outcomes = this.counts.get(kind) ?? new Map<string, number>()
    this.counts.set(kind, outcomes)
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
  }

  readonly complain = (what: string): void => {
    if (this.complaints.length < COMPLAINTS_MAX)
      this.complaints.push(`at ${(this.nowMs() / 1000).toFixed(1)} s: ${what}`)
  }

  /** Writes everything as JSON lines. */
  save(folder: string): void {
    mkdirSync(folder, { recursive: true })
    const lines = (items: readonly unknown[]): string => items.map((item) => `${JSON.stringify(item)}\n`).join('')
    writeFileSync(path.join(folder, 'operations.jsonl'), formatHistory(this.operations))
    writeFileSync(path.join(folder, 'stale-reads.jsonl'), lines(this.staleReads))
    writeFileSync(path.join(folder, 'pages.jsonl'), lines(this.pages))
  }
}

function describeKind(action: Action, batch: BatchPlace | undefined): string {
  const condition = action.kind === 'get' || action.condition.kind === 'none' ? '' : ' if'
  return `${action.kind}${condition}${batch === undefined ? '' : batch.atomic ? ' in atomic batch' : ' in batch'}`
}
