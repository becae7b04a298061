/**
 * Every limit of the program, with its reason. A limit that is not here does not exist.
 */
const KiB = 1024
const MiB = 1024 * KiB

export const LIMITS = {
  /** Keys travel in URLs and are compared on every lookup; 4 KiB still fits any sane HTTP head. */
  keyBytesMax: 4 * KiB,
  /** One value must fit a Raft message and a NATS payload after splitting without stalling its group. */
  valueBytesMax: 1 * MiB,
  /** Keys and values of one batch together, after decoding: the largest single log entry. */
  batchBytesMax: 4 * MiB,
  batchOpsMax: 1000,
  /** Values in one answer of a store: far below `messageBytesMax`, and encoded in a few milliseconds. Reads of more are asked for in parts. */
  answerValuesBytesMax: 8 * MiB,
  /** Values that one batch brings back in all: what asks for more would fill the memory of whoever puts the answer together. */
  batchAnswerBytesMax: 64 * MiB,
  /** One page of a scan; bounds the memory of an answer together with `scanPageBytesMax`. */
  scanPageItemsMax: 1000,
  scanPageItemsDefault: 100,
  scanPageBytesMax: 4 * MiB,
  /** Keys one entry of a range delete may remove: keeps apply short and the same on every replica. */
  rangeDeleteKeysMax: 512,
  /** NATS allows 1 MiB by default; half of it leaves room for headers and for servers set lower. */
  frameBytesMax: 512 * KiB,
  /** A message larger than a frame is cut into fragments; one that reassembles to more than this is refused. */
  messageBytesMax: 16 * MiB,
  /** Bytes of one destination that wait for credit before Raft messages to it are dropped. */
  destinationQueueBytesMax: 32 * MiB,
  /** Proposed and not yet committed bytes of one group; beyond it proposals are refused with OVERLOADED. */
  uncommittedBytesMax: 16 * MiB,
  /** Requests that one store or client holds unanswered. */
  inflightRequestsMax: 16 * 1024,
  requestTimeoutMsDefault: 10_000,
  requestTimeoutMsMax: 60_000,
  /** Committed entries handed to a state machine at once, so that one group cannot hold the loop. */
  applyBytesPerTurnMax: 1 * MiB,
  /** A leader that hands over takes no writes meanwhile: whoever is to lead must be able to catch up in a moment. */
  transferLagEntriesMax: 1_000,
  /** Ids for shards and replicas that one request takes: a thousand splits. They last for 2^48. */
  idsPerRequestMax: 10_000,
  /** What a reader of snapshots takes. */
  snapshotChunkBytesMax: 512 * KiB,
  /**
   * What a worker cuts. Main loops encode, copy, send and store each chunk in one go, so small ones let requests through in between. One that fits
   * a read of a socket also spares the NATS client most of the buffers by which it puts larger messages together, and those collecting them.
   */
  snapshotChunkBytes: 56 * KiB,
  storeIdCharsMax: 64,
  labelsMax: 32,
  /** Settings that one request may change. */
  settingsPerChangeMax: 100,
  httpHeadBytesMax: 32 * KiB,
  httpStallMsMax: 10_000,
} as const
