/**
 * The gateway's own limits, with reasons; those that other layers share are in `base`.
 */
import { LIMITS } from '../base/index.ts'
import type { GatewayLimits } from './options.ts'

const MiB = 1024 * 1024

export const GATEWAY_LIMITS: GatewayLimits = {
  valueBytesMax: LIMITS.valueBytesMax,
  /** At a few microseconds of work each this is far below the default deadline; more would only wait in vain. */
  inflightMax: 2000,
  /** Enough for clients of one process each, and few enough to be answered within a second or two by a cluster that is cold, or shares its machine. */
  inflightMin: 128,
  /** Many times what a write takes where nothing waits, and what people hardly notice. */
  queueDelayMs: 100,
  /** A few kilobytes each while idle; the process needs as many file descriptors. */
  connectionsMax: 10_000,
  /** Ten of the largest batches, or hundreds of the largest values. */
  bodyBytesInflightMax: 256 * MiB,
  /** As much again for answers that nobody has read yet. */
  unreadBytesMax: 256 * MiB,
  /** A little less than the 10 s after which every request must have been answered, so that the answer arrives before them. */
  requestTimeoutMs: LIMITS.requestTimeoutMsDefault - 500,
  stallMsMax: LIMITS.httpStallMsMax,
  streamStallMsMax: 60_000,
  drainMsMax: 10_000,
  /** Longer than busy clients pause between two requests, and a small part of the 30 s that an orderly stop may take. */
  drainIdleMs: 1_000,
  /** Clients that pause for longer than this between two requests will have to try again. */
  drainIdleMsMax: 5_000,
}

/** JSON may spell a byte with six characters, and each operation of a batch has some names around its bytes. */
export const JSON_BYTES_PER_BYTE = 6
const BATCH_OVERHEAD_BYTES = LIMITS.batchOpsMax * 256
export const BATCH_BODY_BYTES_MAX = LIMITS.batchBytesMax * JSON_BYTES_PER_BYTE + BATCH_OVERHEAD_BYTES
/** Bodies of the operating routes are a few names and numbers. */
export const ADMIN_BODY_BYTES_MAX = 64 * 1024

/** Between two looks at requests in progress; deadlines are kept to this precision where the router does not keep them. */
export const SWEEP_INTERVAL_MS = 100
/** What the router may be late before the gateway answers in its stead. */
export const DEADLINE_GRACE_MS = 200
/** An idle connection is kept this long; shorter than the minute after which load balancers drop theirs. */
export const KEEP_ALIVE_MS = 55_000
/** `?wait=` may ask for this much. */
export const WAIT_MS_MAX = 10 * 60_000
