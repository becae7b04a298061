import { compareEpochs, mergeShards, type Shard } from '../../shard-map/index.ts'
import type { ErrorValue, ShardRequest } from '../protocol/index.ts'
import type { Entry } from '../raft/index.ts'
import { impossible, notYet, staleEpoch } from './refusals.ts'
import { hasAbsorbed, type Replica } from './replica.ts'
import type { ShardCommand } from './shard-command.ts'
import { isAt } from './split-plan.ts'

/**
 * Judges the steps of a merge as the leader that is asked sees it: is it done already, what is to be proposed, or why not? Pure but for reading logs.
 * What makes a merge safe, whoever asks for what and when:
 *
 * 1. Preparing raises the source's range epoch and names the target's epoch. From there on the source serves nobody and changes nothing.
 * 2. The target takes the source in only at the very epoch that was named. So either it does, or its epoch has moved on and it never will.
 * 3. The source serves again only after somebody has heard from the target that its epoch has moved on without the merge (the fence). Where the target
 *    was itself merged away meanwhile, whoever has its first key now can say so.
 * 4. A target that is stopped for a merge of its own needs no fence. Being stopped is a matter of the range epoch: preparing gives a shard the next one, and
 *    so does everything that ends that, so that for as long as an epoch lasts a shard is either stopped or not. Whatever is still under way for that
 *    epoch finds the target stopped, when its leader judges it and on every replica that applies it, or finds another epoch; both do nothing.
 */
export type MergeVerdict =
  | { readonly kind: 'done'; readonly shard: Shard }
  | { readonly kind: 'propose'; readonly command: ShardCommand }
  | { readonly kind: 'refuse'; readonly error: ErrorValue }

type Requested<Kind extends ShardRequest['kind']> = ShardRequest & { readonly kind: Kind }

/**
 * How far a replica of the source may be behind, in entries and bytes: the target's entry carries them. Far less than what every log keeps, so that
 * they are found wherever the target is led.
 */
const CARRIED_ENTRIES_MAX = 1_000
const CARRIED_BYTES_MAX = 512 * 1024

/** To the source, beside whose leader there should be a replica of the target. */
export function judgePrepare(
  source: Replica,
  request: Requested<'prepare-merge'>,
  besideIt: Replica | undefined,
  compactEntries: number,
): MergeVerdict {
  const { shard, merging, group, raft } = source
  const { target, epoch } = request
  if (merging?.target.id === target.id && compareEpochs(merging.target.epoch, target.epoch) === 'same')
    return done(shard)
  if (!isAt(shard, epoch)) return refuse(staleEpoch(group, source.successors))
  if (merging !== undefined)
    return refuse(impossible(group, `shard ${group} is being merged into ${merging.target.id}`))
  const fit = mergeShards(target, shard)
  if (!fit.ok) return refuse(impossible(group, fit.message))
  // Nothing could come of it. A replica that is behind does not know; then the way back has to do.
  if (isStoppedAt(besideIt, target)) return refuse(impossible(group, `shard ${target.id} is being merged itself`))
  const { lastIndex, progress } = raft.status()
  // What is committed is never cut off again, whoever leads meanwhile.
  let indexMin = raft.commitIndex
  for (const { id, store } of shard.replicas) {
    if (id === source.id) continue
    const seen = progress.get(id)
    if (seen === undefined || seen.matchIndex === 0 || seen.state === 'snapshot')
      return refuse(
        notYet(group, `the replica of shard ${group} on store ${store} has no state, or has not been heard`),
      )
    indexMin = Math.min(indexMin, seen.matchIndex)
  }
  const lag = lastIndex - indexMin
  const lagMax = Math.min(CARRIED_ENTRIES_MAX, Math.floor(compactEntries / 2))
  if (lag > lagMax || carried(source, indexMin, lastIndex) === undefined) {
    const allowed = `at most ${lagMax} entries and ${CARRIED_BYTES_MAX} bytes are allowed`
    return refuse(notYet(group, `a replica of shard ${group} is ${lag} entries behind; ${allowed}`))
  }
  return propose({ kind: 'prepare-merge', epoch, indexMin, target })
}

/** To the target, whose store has a replica of the source. */
export function judgeCommit(
  target: Replica,
  request: Requested<'commit-merge'>,
  source: Replica | undefined,
): MergeVerdict {
  const { shard, group } = target
  if (hasAbsorbed(target, request.source.id)) return done(shard)
  if (!isAt(shard, request.epoch)) return refuse(staleEpoch(group, target.successors))
  if (target.merging !== undefined) return refuse(impossible(group, `shard ${group} is being merged itself`))
  const fit = mergeShards(shard, request.source)
  if (!fit.ok) return refuse(impossible(group, fit.message))
  const merging = source?.merging
  if (source === undefined || merging === undefined || !isAt(source.shard, request.source.epoch)) {
    return refuse(notYet(group, `the replica of shard ${request.source.id} beside this leader is not prepared yet`))
  }
  if (merging.target.id !== group || !isAt(shard, merging.target.epoch)) {
    return refuse(
      impossible(group, `shard ${source.group} was prepared for another epoch of shard ${group}: roll it back`),
    )
  }
  const previousTerm = source.raft.termOf(merging.indexMin)
  const entries = carried(source, merging.indexMin, merging.index)
  if (previousTerm === undefined || entries === undefined) {
    return refuse(impossible(group, `the last entries of shard ${source.group} are not in the log here: roll it back`))
  }
  return propose({ kind: 'commit-merge', epoch: shard.epoch, source: source.shard, previousTerm, entries })
}

/** To the target. Whatever moved its epoch on has done what a fence does, and so has whatever stopped it at this one. */
export function judgeFence(target: Replica, request: Requested<'fence-merge'>): MergeVerdict {
  const { shard, group, merging } = target
  if (hasAbsorbed(target, request.source))
    return refuse(impossible(group, `shard ${group} has taken in shard ${request.source}`))
  // Another range epoch would be void for whoever is about to take this shard in.
  if (!isAt(shard, request.epoch) || merging !== undefined) return done(shard)
  return propose({ kind: 'fence-merge', epoch: shard.epoch })
}

/** To the source, beside whose leader there should be a replica of the target. */
export function judgeRollback(
  source: Replica,
  request: Requested<'rollback-merge'>,
  besideIt: Replica | undefined,
): MergeVerdict {
  const { shard, group, merging } = source
  const { target, epoch } = request
  if (!isAt(shard, epoch)) return merging === undefined ? done(shard) : refuse(staleEpoch(group, source.successors))
  if (merging === undefined) return refuse(impossible(group, `shard ${group} is not being merged`))
  if (!isBeyond(target, merging.target) && !isStoppedAt(besideIt, merging.target)) {
    return refuse(impossible(group, `shard ${merging.target.id} may still take in shard ${group}: fence it first`))
  }
  return propose({ kind: 'rollback-merge', epoch })
}

/**
 * Whether `fenced` can only be from after the epoch of `prepared` had ended: the same shard later, or another one that has its first key at a higher range
 * epoch, because it took the prepared one in before that could take in anything.
 */
function isBeyond(fenced: Shard, prepared: Shard): boolean {
  if (fenced.id === prepared.id) return compareEpochs(fenced.epoch, prepared.epoch) === 'newer'
  const hasKey = fenced.start <= prepared.start && (fenced.end === undefined || fenced.end > prepared.start)
  return hasKey && fenced.epoch.range > prepared.epoch.range
}

/**
 * Whether the target is stopped at the range epoch that it is said to have: by its replica here, which knows only what is committed. While it is behind
 * it knows nothing, and whoever asks comes again.
 */
function isStoppedAt(besideIt: Replica | undefined, target: Shard): boolean {
  if (besideIt?.merging === undefined || besideIt.group !== target.id) return false
  return besideIt.shard.epoch.range === target.epoch.range
}

/** The entries after `after`, up to `last`; undefined where the log does not have them all, or where they are too many. */
function carried({ log }: Replica, after: number, last: number): readonly Entry[] | undefined {
  if (after >= last) return []
  if (after + 1 < log.firstIndex() || last > log.lastIndex()) return undefined
  const entries = log.entries(after + 1, last + 1, CARRIED_BYTES_MAX)
  return typeof entries !== 'string' && entries.at(-1)?.index === last ? entries : undefined
}

function done(shard: Shard): MergeVerdict {
  return { kind: 'done', shard }
}

function propose(command: ShardCommand): MergeVerdict {
  return { kind: 'propose', command }
}

function refuse(error: ErrorValue): MergeVerdict {
  return { kind: 'refuse', error }
}
