/**
 * The names by which the gateway knows what it hands to the router. The gateway sees machines only through the router's own signature.
 */
import type { BatchItemAnswer, Router } from '../router/index.ts'

export type KvCondition = Parameters<Router['put']>[2]
export type KvOperation = Parameters<Router['batch']>[0][number]
export type KvOperationResult = Extract<BatchItemAnswer, { ok: true }>['result']
