/**
 * Proves that a frame comes from somebody who knows the cluster's key: the seal in front of it is an HMAC of the subject and the frame. Whoever may publish on a
 * cluster's subjects without knowing the key is not believed, whatever he writes. It hides nothing, which is TLS's work, and it does not tell members
 * from one another: all of them know the key. Used by `SealedWire` and nobody else.
 *
 * A sealed frame is 0xc1, the version 1, 16 bytes of HMAC-SHA-256 (RFC 2104, truncated as its section 5 allows), the frame. No msgpack value
 * begins with 0xc1, so sealed and bare frames are never taken for one another.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { TransportError } from './transport-error.ts'

export interface FrameKeys {
  /** The key with which frames are sealed, and which is accepted; at least 32 characters. Without it frames leave bare. */
  readonly clusterKey?: string | undefined
  /** What else is accepted while keys are exchanged: another key, or `none` for bare frames. */
  readonly clusterKeyAccepted?: string | undefined
}

const CLUSTER_KEY_CHARS_MIN = 32
/** Accepted beside a key: frames without any. */
const NO_KEY = 'none'

const FIRST_BYTE = 0xc1
const VERSION = 1
const CODE_OFFSET = 2
const CODE_BYTES = 16
/** What a seal adds to a frame. */
export const SEAL_BYTES = CODE_OFFSET + CODE_BYTES

/** What is wrong with keys, in words that do not show them. */
export interface UnusableKey {
  readonly name: keyof FrameKeys
  /** Goes on after the name. */
  readonly why: string
}

/** Undefined when they can be used. */
export function findUnusableKey({ clusterKey, clusterKeyAccepted }: FrameKeys): UnusableKey | undefined {
  const isShort = (key: string): boolean => key.length < CLUSTER_KEY_CHARS_MIN
  const wanted = `expected at least ${CLUSTER_KEY_CHARS_MIN} characters, as \`openssl rand -base64 32\` gives`
  if (clusterKey !== undefined && isShort(clusterKey))
    return { name: 'clusterKey', why: `has ${clusterKey.length} characters; ${wanted}` }
  if (clusterKeyAccepted === undefined) return undefined
  if (clusterKeyAccepted === NO_KEY) {
    const why = `is "${NO_KEY}", but frames without a key are accepted anyway; expected transport.clusterKey beside it`
    return clusterKey === undefined ? { name: 'clusterKeyAccepted', why } : undefined
  }
  if (!isShort(clusterKeyAccepted)) return undefined
  return { name: 'clusterKeyAccepted', why: `has ${clusterKeyAccepted.length} characters; ${wanted}, or "${NO_KEY}"` }
}

export class FrameSeal {
  readonly #own: Buffer | undefined
  readonly #accepted: readonly Buffer[]
  readonly #acceptsBare: boolean

  private constructor(own: string | undefined, accepted: string | undefined) {
    this.#own = own === undefined ? undefined : secretOf(own)
    const other = accepted === undefined || accepted === NO_KEY ? undefined : secretOf(accepted)
    this.#accepted = [this.#own, other].filter((secret) => secret !== undefined)
    this.#acceptsBare = own === undefined || accepted === NO_KEY
  }

  /** Undefined where no key is configured. Throws TransportError `BAD_OPTIONS`. */
  static of(keys: FrameKeys): FrameSeal | undefined {
    const unusable = findUnusableKey(keys)
    if (unusable !== undefined) throw new TransportError('BAD_OPTIONS', `transport.${unusable.name} ${unusable.why}`)
    const { clusterKey, clusterKeyAccepted } = keys
    if (clusterKey === undefined && clusterKeyAccepted === undefined) return undefined
    return new FrameSeal(clusterKey, clusterKeyAccepted)
  }

  /** The frame as it leaves. */
  seal(subject: string, frame: Uint8Array): Uint8Array {
    if (this.#own === undefined) return frame
    const sealed = Buffer.allocUnsafe(SEAL_BYTES + frame.length)
    sealed[0] = FIRST_BYTE
    sealed[1] = VERSION
    codeOf(this.#own, subject, frame).copy(sealed, CODE_OFFSET, 0, CODE_BYTES)
    sealed.set(frame, SEAL_BYTES)
    return sealed
  }

  /** The frame within, as a view; undefined when it is not to be believed. */
  open(subject: string, bytes: Uint8Array): Uint8Array | undefined {
    if (bytes[0] !== FIRST_BYTE) return this.#acceptsBare ? bytes : undefined
    if (bytes.length < SEAL_BYTES || bytes[1] !== VERSION) return undefined
    const frame = bytes.subarray(SEAL_BYTES)
    const code = bytes.subarray(CODE_OFFSET, SEAL_BYTES)
    for (const secret of this.#accepted) {
      if (timingSafeEqual(codeOf(secret, subject, frame).subarray(0, CODE_BYTES), code)) return frame
    }
    return undefined
  }
}

/** People choose texts; the HMAC gets a key of its own kind, which is no text used elsewhere. */
function secretOf(key: string): Buffer {
  return createHash('sha256').update('flotilla cluster key\0').update(key, 'utf8').digest()
}

/** The subject is part of it, so that a frame for one store or channel is none for another. */
function codeOf(secret: Buffer, subject: string, frame: Uint8Array): Buffer {
  return createHmac('sha256', secret).update(subject).update('\0').update(frame).digest()
}
