/**
 * Every route of `/openapi.json` on a live cluster: one request that it takes and one that it refuses, with status, content type and body as the document says. A
 * route that is not listed here fails.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ANY_BROKER } from '../../tools/cluster/broker-process.ts'
import type { HttpAnswer } from '../../tools/cluster/http.ts'
import { buildConsole } from '../support/browser.ts'
import { SchemaChecker } from '../support/json-schema.ts'
import { type ProcessCluster, withCluster } from '../support/process-cluster.ts'
import { type Attempt, attemptsOf } from './openapi-attempts.ts'

type Json = Readonly<Record<string, unknown>>

interface Operation {
  readonly operationId: string
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema?: Json }>> }>
  >
}

interface Api {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Json>> }
}

describe('the description of the routes', () => {
  it('is true of a live cluster, route by route', async () => {
    buildConsole()
    await withCluster({ stores: 4, shards: 3, broker: ANY_BROKER }, async (cluster) => {
      const api = (await cluster.json('s1', '/openapi.json')) as Api
      const checker = new SchemaChecker(api.components.schemas)
      const attempts = await attemptsOf(cluster)
      const described = new Set<string>()
      const faults: string[] = []
      for (const [path, methods] of Object.entries(api.paths)) {
        for (const [method, operation] of Object.entries(methods)) {
          const { operationId } = operation
          described.add(operationId)
          const pair = attempts[operationId]
          if (pair === undefined) {
            faults.push(`${method.toUpperCase()} ${path} (${operationId}) is tried by nobody`)
            continue
          }
          for (const attempt of [pair.good, pair.bad]) {
            const answer = await send(cluster, attempt.method ?? method.toUpperCase(), attempt)
            const found = faultsOf(answer, attempt, operation, checker, method === 'head')
            faults.push(...found.map((fault) => `${operationId}, ${attempt.path}: ${fault}`))
          }
        }
      }
      assert.deepEqual(faults, [])
      assert.deepEqual(
        Object.keys(attempts).filter((operationId) => !described.has(operationId)),
        [],
      )
    })
  })
})

function send(cluster: ProcessCluster, method: string, { path, body, headers }: Attempt): Promise<HttpAnswer> {
  return cluster.http('s1', {
    method,
    path,
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    ...(headers === undefined ? {} : { headers }),
  })
}

function faultsOf(
  { status, headers, body }: HttpAnswer,
  { status: expected, code }: Attempt,
  { responses }: Operation,
  checker: SchemaChecker,
  isHead: boolean,
): string[] {
  const text = body.toString('utf8')
  if (status !== expected) return [`${status}, not ${expected}: ${text.slice(0, 300)}`]
  const type = String(headers['content-type'] ?? '')
  if (code !== undefined && !isHead) {
    const problem = JSON.parse(text) as { code?: unknown; status?: unknown }
    if (problem.code !== code || problem.status !== status) return [`${text.slice(0, 300)}, not ${code}`]
  }
  const response = responses[String(status)] ?? (status >= 400 ? responses.default : undefined)
  if (response === undefined) return [`${status} is not described`]
  if (isHead || response.content === undefined)
    return text === '' ? [] : [`${status} has a body that is not described: ${text.slice(0, 100)}`]
  const content = response.content[type] ?? response.content[type.split(';', 1)[0] ?? '']
  if (content === undefined) return [`${status} is ${type}, none of ${Object.keys(response.content).join(', ')}`]
  if (content.schema === undefined) return []
  const documents = type.startsWith('application/x-ndjson') ? text.trimEnd().split('\n') : [text]
  return documents.flatMap((document) => checker.faults(content.schema ?? {}, JSON.parse(document)))
}
