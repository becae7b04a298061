/**
 * A wire whose frames carry the cluster's key: seals what leaves and hands on only what is sealed. Put around the wires of an adapter by `FrameTransport`, where
 * a key is configured; nothing else knows of it.
 */
import { type FrameSeal, SEAL_BYTES } from './frame-seal.ts'
import type { Wire } from './wire.ts'

/** In the same order; channels that share a wire share the sealed one too. `refused` is called for each frame that is not believed. */
export function sealWires(wires: readonly Wire[], seal: FrameSeal, refused: () => void): Wire[] {
  const sealed = new Map<Wire, Wire>()
  for (const wire of wires) if (!sealed.has(wire)) sealed.set(wire, new SealedWire(wire, seal, refused))
  return wires.map((wire) => sealed.get(wire) ?? wire)
}

class SealedWire implements Wire {
  readonly #wire: Wire
  readonly #seal: FrameSeal
  readonly #refused: () => void

  constructor(wire: Wire, seal: FrameSeal, refused: () => void) {
    this.#wire = wire
    this.#seal = seal
    this.#refused = refused
  }

  get isOpen(): boolean {
    return this.#wire.isOpen
  }

  get payloadBytesMax(): number {
    return this.#wire.payloadBytesMax - SEAL_BYTES
  }

  publish(subject: string, bytes: Uint8Array): boolean {
    return this.#wire.publish(subject, this.#seal.seal(subject, bytes))
  }

  subscribe(subject: string, deliver: (bytes: Uint8Array) => void): void {
    this.#wire.subscribe(subject, (bytes) => {
      const frame = this.#seal.open(subject, bytes)
      if (frame === undefined) this.#refused()
      else deliver(frame)
    })
  }

  watch(onChange: () => void): void {
    this.#wire.watch(onChange)
  }

  close(): Promise<void> {
    return this.#wire.close()
  }
}
