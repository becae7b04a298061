/**
 * The numbers of the transport that nobody outside it needs to know, each with its reason. What users can run into is in LIMITS of base.
 */
import { LIMITS } from '../base/index.ts'

const KiB = 1024
const MiB = 1024 * KiB

export const TRANSPORT_LIMITS = {
  /** What a sender may have under way to a peer of which it has not heard yet. Two full frames, so that a first large message flows. */
  initialCreditBytes: 2 * LIMITS.frameBytesMax,
  /** What a receiver grants one peer and lane at most. With a round trip of 5 ms this is 800 MB/s, so it never limits a healthy pair. */
  windowBytesMax: 4 * MiB,
  /** Two full frames: with one, a sender that lacks little could wait for a grant that its receiver does not think due. */
  windowBytesMin: 2 * LIMITS.frameBytesMax,
  /** What all peers of one lane together may have under way to this process: half of what nats-server holds for a slow consumer. */
  receiveBudgetBytes: 32 * MiB,
  /** Bytes of all messages that are being put together from fragments. */
  assemblyBytesMax: 64 * MiB,
  /** A message whose next fragment did not come for this long never will. */
  assemblyStaleMs: 10_000,
  /** How long frames wait for a `flush` that was announced: a fraction of what a slow disk takes. */
  holdMsMax: 1,
  /** How often a sender without credit asks again: this long a lost grant costs. */
  probeIntervalMs: 250,
  /** How often peers that owe an answer are looked after; one that was silent since the last look is asked for a sign of life. */
  silenceCheckMs: 250,
  /**
   * A peer that owes an answer and was asked for a sign of life this often in vain is taken for gone: its requests end without an answer after
   * some 1.5 s, long before their deadlines. Well above pauses of a healthy process, well below what a caller would wait. Counted, not timed,
   * so that a pause of our own process passes for one question at most.
   */
  unansweredProbesMax: 4,
  /** A peer that was silent for this long is forgotten; longer than any request may wait for its answer. */
  peerSilentMsMax: LIMITS.requestTimeoutMsMax + 5_000,
  /** How often silent peers are looked for. */
  sweepIntervalMs: 5_000,
  /** Peers that are remembered; bounds what a stream of made-up senders can cost. */
  peersMax: 65_536,
  addressCharsMax: 128,
  incarnationCharsMax: 64,
  /** One slot of the timer wheel that ends requests. */
  timerSlotMs: 16,
  /** The least frame size that a broker may force on us. */
  frameBytesMin: 1024,
} as const
