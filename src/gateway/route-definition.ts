/**
 * What a route is: data from which routing, method checks, admission and the OpenAPI description are all made, so that they cannot disagree.
 */
import type { z } from 'zod'
import type { Role } from './access.ts'
import type { Exchange } from './exchange.ts'

export type Method = 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE' | 'PATCH'

export type Handler = (exchange: Exchange) => Promise<void> | void

export interface ParameterDefinition {
  readonly in: 'path' | 'query' | 'header'
  readonly name: string
  readonly description: string
  readonly required?: boolean
  readonly schema?: z.ZodType
}

export interface ContentDefinition {
  readonly type: string
  /** Absent for bytes. */
  readonly schema?: z.ZodType
}

export interface ResponseDefinition {
  readonly status: number
  readonly description: string
  readonly content?: readonly ContentDefinition[]
  readonly headers?: readonly string[]
}

export interface RouteDefinition {
  readonly method: Method
  /** As in OpenAPI: `/admin/shards/{shard}`. */
  readonly path: string
  readonly handler: Handler
  /** `open` routes need no token; `local` ones, where no tokens are configured, only take loopback; all others need a token where tokens are configured. */
  readonly access: 'open' | 'token' | 'local'
  readonly tag: 'data' | 'operating'
  /** Of the token. Absent: `admin` for operating, for data `read` or `write` as the method says. */
  readonly role?: Role
  /** The level at which its use is told: `info`, where this is absent. Tools ask some routes once for every replica. */
  readonly auditLevel?: 'debug'
  /** Of data routes: the handler asks the grant about every key it touches. Without this, tokens with prefixes are refused. */
  readonly checksKeys?: true
  readonly operationId: string
  readonly summary: string
  readonly parameters?: readonly ParameterDefinition[]
  readonly body?: { readonly description: string; readonly content: readonly ContentDefinition[] }
  readonly responses: readonly ResponseDefinition[]
}
