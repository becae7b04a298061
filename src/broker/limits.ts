/**
 * The limits of one embedded broker, each with its reason, and the one place where they are checked. Defaults are those of nats-server
 * unless a line says otherwise, so that moving from one to the other changes nothing a client can see.
 */
import { assert } from '../base/index.ts'

export interface BrokerLimits {
  /** Header and body of one message together. Announced as `max_payload`; a client that exceeds it is disconnected. */
  readonly payloadBytesMax: number
  /** One line of the protocol without its line end: bounds what a connection can make the parser remember. */
  readonly controlLineBytesMax: number
  /** Clients connected at once; one more is told so and closed. */
  readonly connectionsMax: number
  /** Subscriptions of one client; nats-server has no bound by default, a process that also hosts a store needs one. */
  readonly subscriptionsMax: number
  /** Bytes that wait for one client to read them. Beyond it the client is a slow consumer and is closed. */
  readonly pendingBytesMax: number
  /** How often a connection is looked at; one that was silent for a whole interval is sent a PING. */
  readonly pingIntervalMs: number
  /** PINGs that a silent client may leave unanswered before it counts as stale. */
  readonly pingsOutMax: number
  /** Time from the connection to a valid CONNECT, where credentials are required. */
  readonly authTimeoutMs: number
  /** Time that a closing connection gets to read its last bytes before it is cut. */
  readonly closeGraceMs: number
  /** Subjects whose subscribers are remembered. Bounds the memory that one-time reply subjects can take. */
  readonly routeCacheSubjectsMax: number
}

export const DEFAULT_BROKER_LIMITS: BrokerLimits = {
  payloadBytesMax: 1024 * 1024,
  controlLineBytesMax: 4096,
  connectionsMax: 65_536,
  subscriptionsMax: 65_536,
  pendingBytesMax: 64 * 1024 * 1024,
  pingIntervalMs: 120_000,
  pingsOutMax: 2,
  authTimeoutMs: 2_000,
  closeGraceMs: 2_000,
  routeCacheSubjectsMax: 8_192,
}

/** Heads of messages are written into fixed chunks, which must hold two control lines and a small payload. */
const CONTROL_LINE_BYTES_CEILING = 16 * 1024

/** Fills in the defaults. A limit that is not a positive whole number is the caller's mistake, so it is an assertion. */
export function resolveBrokerLimits(overrides: Partial<BrokerLimits> = {}): BrokerLimits {
  const limits: BrokerLimits = { ...DEFAULT_BROKER_LIMITS, ...overrides }
  for (const [name, value] of Object.entries(limits)) {
    assert(Number.isSafeInteger(value) && value > 0, `broker limit ${name} is ${value}, not a positive whole number`)
  }
  assert(
    limits.controlLineBytesMax <= CONTROL_LINE_BYTES_CEILING,
    `broker limit controlLineBytesMax is ${limits.controlLineBytesMax}, above ${CONTROL_LINE_BYTES_CEILING}`,
  )
  return limits
}
