/**
 * The small port between the common layer of the transport and what carries its frames: one connection that publishes bytes to subjects.
 * Adapters: `nats/` and `memory/`. A wire knows nothing of frames, peers or requests, keeps nothing for later and promises nothing but
 * order: what it accepted and delivers, it delivers in the order of publication per subject.
 */
export interface Wire {
  readonly isOpen: boolean
  /** The largest payload that the broker takes now. */
  readonly payloadBytesMax: number
  /** Takes over `bytes`. False when it was not handed to an open connection; never throws. */
  publish(subject: string, bytes: Uint8Array): boolean
  /** For the life of the wire, over all reconnects. `deliver` is never called before this returns. */
  subscribe(subject: string, deliver: (bytes: Uint8Array) => void): void
  /** `onChange` is called after `isOpen` changed. One watcher. */
  watch(onChange: () => void): void
  /** Sends what it accepted if that is possible in good time, then lets go. */
  close(): Promise<void>
}
