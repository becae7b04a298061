/**
 * The bytes of a group's membership, inside InstallSnapshot messages and in a store's own records.
 *
 *   1  autoLeave
 *   2  number of voters, each 6; the same for outgoing voters, learners, next learners
 */
import { assert } from '../base/index.ts'
import { ByteReader, ByteWriter } from '../machine/index.ts'
import type { MembershipState } from '../raft/index.ts'
import { type Decoded, decoded, undecodable } from './decoded.ts'

/** No sane group comes near; it bounds what a damaged count can cost. */
const REPLICAS_MAX = 1024

export function membershipBytes(membership: MembershipState): number {
  const { voters, votersOutgoing, learners, learnersNext } = membership
  return 9 + 6 * (voters.length + votersOutgoing.length + learners.length + learnersNext.length)
}

export function writeMembership(writer: ByteWriter, membership: MembershipState): void {
  writer.flag(membership.autoLeave)
  writeReplicas(writer, membership.voters)
  writeReplicas(writer, membership.votersOutgoing)
  writeReplicas(writer, membership.learners)
  writeReplicas(writer, membership.learnersNext)
}

/** Marks the reader as failed unless the lists are ascending, which is their invariant. */
export function readMembership(reader: ByteReader): MembershipState {
  const autoLeave = reader.flag()
  const voters = readReplicas(reader)
  const votersOutgoing = readReplicas(reader)
  const learners = readReplicas(reader)
  const learnersNext = readReplicas(reader)
  return { voters, votersOutgoing, learners, learnersNext, autoLeave }
}

export function encodeMembership(membership: MembershipState): Uint8Array {
  const writer = new ByteWriter(membershipBytes(membership))
  writeMembership(writer, membership)
  return writer.finish()
}

export function decodeMembership(bytes: Uint8Array): Decoded<MembershipState> {
  const reader = new ByteReader(bytes)
  const membership = readMembership(reader)
  return reader.isComplete ? decoded(membership) : undecodable(`damaged membership of ${bytes.length} bytes`)
}

function writeReplicas(writer: ByteWriter, replicas: readonly number[]): void {
  assert(replicas.length <= REPLICAS_MAX, `${replicas.length} replicas`)
  writer.u16(replicas.length)
  for (const replica of replicas) writer.u48(replica)
}

function readReplicas(reader: ByteReader): number[] {
  const count = reader.u16()
  if (count > REPLICAS_MAX) reader.fail()
  const replicas: number[] = []
  let previous = 0
  for (let i = 0; i < count && !reader.failed; i++) {
    const replica = reader.u48()
    if (replica <= previous) reader.fail()
    replicas.push(replica)
    previous = replica
  }
  return replicas
}
