/**
 * A history of operations as JSON lines, one operation per line, so that a history recorded anywhere can be kept and judged later. The
 * names are those of `Operation`. Reading believes nothing: a line that is no operation is named with its number.
 */
import type { Action, Condition, Operation, Outcome } from './history.ts'

export type ParsedHistory =
  | { readonly kind: 'history'; readonly operations: readonly Operation[] }
  | { readonly kind: 'malformed'; readonly line: number; readonly reason: string }

export function formatHistory(operations: readonly Operation[]): string {
  return operations.map((operation) => `${JSON.stringify(operation)}\n`).join('')
}

export function parseHistory(text: string): ParsedHistory {
  const operations: Operation[] = []
  const lines = text.split('\n')
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue
    const operation = parseLine(line)
    if (typeof operation === 'string') return { kind: 'malformed', line: index + 1, reason: operation }
    operations.push(operation)
  }
  return { kind: 'history', operations }
}

type Fields = Readonly<Record<string, unknown>>

function parseLine(line: string): Operation | string {
  let parsed: unknown
  try {
    parsed = JSON.parse(line)
  } catch {
    // The only error of JSON.parse is text that is not JSON, and that is the answer.
    return 'not JSON'
  }
  const fields = fieldsOf(parsed)
  if (fields === undefined) return 'not an object'
  const { client, key, calledMs, returnedMs } = fields
  if (typeof client !== 'string') return 'client is no text'
  if (typeof key !== 'string') return 'key is no text'
  if (typeof calledMs !== 'number') return 'calledMs is no number'
  const action = actionOf(fields.action)
  if (action === undefined) return 'action is none of get, put, delete'
  const outcome = outcomeOf(fields.outcome)
  if (outcome === undefined) return 'outcome is not known or lacks a field'
  // JSON has no infinity; the return of what never returned may be missing.
  const ended = typeof returnedMs === 'number' ? returnedMs : undefined
  if (ended === undefined && outcome.kind !== 'unknown') return 'returnedMs is no number'
  const operation = { client, key, action, calledMs, returnedMs: ended ?? calledMs, outcome }
  if (fields.batch === undefined) return operation
  const batch = fieldsOf(fields.batch)
  if (typeof batch?.id !== 'string' || typeof batch.position !== 'number' || typeof batch.atomic !== 'boolean')
    return 'batch lacks a field'
  return { ...operation, batch: { id: batch.id, position: batch.position, atomic: batch.atomic } }
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined
}

function actionOf(value: unknown): Action | undefined {
  const fields = fieldsOf(value)
  if (fields?.kind === 'get') return { kind: 'get' }
  const condition = conditionOf(fields?.condition)
  if (condition === undefined) return undefined
  if (fields?.kind === 'delete') return { kind: 'delete', condition }
  return fields?.kind === 'put' && typeof fields.value === 'string'
    ? { kind: 'put', value: fields.value, condition }
    : undefined
}

function conditionOf(value: unknown): Condition | undefined {
  const fields = fieldsOf(value)
  switch (fields?.kind) {
    case 'none':
    case 'absent':
    case 'exists':
      return { kind: fields.kind }
    case 'revision':
      return typeof fields.revision === 'number' ? { kind: 'revision', revision: fields.revision } : undefined
    default:
      return undefined
  }
}

function outcomeOf(value: unknown): Outcome | undefined {
  const fields = fieldsOf(value)
  const revision = typeof fields?.revision === 'number' ? fields.revision : undefined
  switch (fields?.kind) {
    case 'none':
    case 'unknown':
      return { kind: fields.kind }
    case 'written':
    case 'listed':
      return revision === undefined ? undefined : { kind: fields.kind, revision }
    case 'refused':
      return { kind: 'refused', revision }
    case 'deleted':
      if (typeof fields.existed !== 'boolean') return undefined
      return revision === undefined
        ? { kind: 'deleted', existed: fields.existed }
        : { kind: 'deleted', existed: fields.existed, revision }
    case 'read': {
      if (fields.found === undefined || fields.found === null) return { kind: 'read', found: undefined }
      const found = fieldsOf(fields.found)
      return typeof found?.value === 'string' && typeof found.revision === 'number'
        ? { kind: 'read', found: { value: found.value, revision: found.revision } }
        : undefined
    }
    default:
      return undefined
  }
}
