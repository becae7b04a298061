/**
 * Takes in what the groups themselves report of their shards. Reports come late, twice and in any order, from leaders and from deposed
 * ones; epochs decide. Called by `apply.ts` alone.
 *
 * A report that is newer than what the map has of its shard replaces it, and wins against overlapping shards with a lower range
 * epoch: those are pictures from before a split or a merge. What is left of such a shard at one side keeps its old epoch, so that a
 * router which follows it learns better from the store; only the first epoch of all, by which stores know the shards that they must
 * found, becomes range epoch 0, which no shard has. Example: shard 5 [a,z) splits into 5 [a,m) and 9 [m,z). If 9 reports first,
 * 5 is cut to [a,m); if 5 reports alone first, nobody would cover [m,z): that report is rejected, and good when it comes again.
 */
import { compareEpochs } from './epoch.ts'
import { shardProblems } from './invariants.ts'
import { covering, shardById, shardOverlaps, storeById } from './map.ts'
import { type Refusal, refuse, sameShard } from './shard.ts'
import { PLACEMENT_SHARD, type Shard, type ShardId, type ShardMap } from './types.ts'

/** A report that the map did not take in. */
export interface RejectedReport {
  readonly shard: ShardId
  readonly refusal: Refusal
}

/**
 * Takes in what it can. Refused only when something was rejected and nothing taken; reports that say nothing new are neither, and
 * then the map is the very same. At worst quadratic in the reports, in the usual case one pass over the map.
 */
export function updateShards(
  map: ShardMap,
  reports: readonly Shard[],
): { readonly ok: true; readonly map: ShardMap; readonly rejected: readonly RejectedReport[] } | Refusal {
  const rejected: RejectedReport[] = []
  const ids = new Set(reports.map((report) => report.id))
  let placement = map.placement
  let waiting: Shard[] = []
  for (const report of reports) {
    const judgement = judge(map, report, ids)
    if (judgement === 'known') continue
    if (judgement !== 'news') rejected.push({ shard: report.id, refusal: judgement })
    else if (report.id === PLACEMENT_SHARD) placement = report
    else waiting.push(report)
  }
  let shards = map.shards
  const all = takeIn(shards, waiting)
  if (!('ok' in all)) {
    shards = all
    waiting = []
  }
  // Together they do not fit, so each is tried alone, as long as one more fits because of those before it.
  for (let before = -1; waiting.length > 0 && waiting.length !== before; ) {
    before = waiting.length
    waiting = waiting.filter((report) => {
      const taken = takeIn(shards, [report])
      if ('ok' in taken) return true
      shards = taken
      return false
    })
  }
  for (const report of waiting) {
    const refusal = takeIn(shards, [report])
    if ('ok' in refusal) rejected.push({ shard: report.id, refusal })
  }
  const [first] = rejected
  if (placement !== map.placement || shards !== map.shards) {
    return { ok: true, map: { ...map, version: map.version + 1, placement, shards }, rejected }
  }
  return first === undefined ? { ok: true, map, rejected } : first.refusal
}

/** Whether a report is news, seen without the others; `ids` are the shards that report too. */
function judge(map: ShardMap, report: Shard, ids: ReadonlySet<ShardId>): 'news' | 'known' | Refusal {
  const [problem] = shardProblems(report)
  if (problem !== undefined) return refuse('invalid', problem)
  const stranger = report.replicas.find((replica) => storeById(map, replica.store) === undefined)
  if (stranger !== undefined) return refuse('store-unknown', `shard ${report.id} is on store ${stranger.store}`)
  const known = shardById(map, report.id)
  if (known !== undefined) {
    const order = compareEpochs(report.epoch, known.epoch)
    if (order === 'older') return 'known'
    // At the same epoch the map may hold less of the range, when somebody newer took the rest; the replicas must agree.
    if (order === 'same' && sameShard({ ...report, start: known.start, end: known.end }, known)) return 'known'
    if (order !== 'newer') {
      const text = `${report.epoch.membership}.${report.epoch.range}`
      return refuse('stale-epoch', `shard ${report.id} is reported at epoch ${text} with other contents than known`)
    }
  }
  if (report.id === PLACEMENT_SHARD) return 'news'
  if (map.shards.length === 0) return refuse('not-bootstrapped', 'the cluster has no shards yet')
  const rival = covering(map, report.start, report.end).find(
    (shard) => !ids.has(shard.id) && shard.epoch.range >= report.epoch.range,
  )
  if (rival === undefined) return 'news'
  return refuse(
    'overlap',
    `shard ${report.id} overlaps shard ${rival.id}, which is at range epoch ${rival.epoch.range}`,
  )
}

/** The shards with `news` among them; the very same list when there are none. */
function takeIn(shards: readonly Shard[], news: readonly Shard[]): readonly Shard[] | Refusal {
  if (news.length === 0) return shards
  const byId = new Map(news.map((shard) => [shard.id, shard]))
  if (byId.size !== news.length) return refuse('invalid', 'one report names a shard twice')
  const fastPath = sameRanges(shards, byId)
  if (fastPath !== undefined) return fastPath
  const kept: Shard[] = []
  for (const shard of shards) {
    if (byId.has(shard.id)) continue
    const above = news.filter((report) => shardOverlaps(report, shard.start, shard.end))
    const rival = above.find((report) => report.epoch.range <= shard.epoch.range)
    if (rival !== undefined) return refuse('overlap', `shard ${rival.id} overlaps shard ${shard.id}`)
    const rest = remainder(shard, above)
    if (rest !== undefined) kept.push(rest)
  }
  return covered([...kept, ...news])
}

/** The shards in order, if they cover every key once. */
function covered(unordered: readonly Shard[]): readonly Shard[] | Refusal {
  const shards = [...unordered].sort((a, b) => (a.start < b.start ? -1 : 1))
  let end: string | undefined = ''
  for (const shard of shards) {
    if (end === undefined || shard.start < end) return refuse('overlap', `shard ${shard.id} overlaps another report`)
    if (shard.start > end) return refuse('uncovered', `nobody would cover the keys before shard ${shard.id}`)
    end = shard.end
  }
  return end === undefined ? shards : refuse('uncovered', 'nobody would cover the last keys')
}

/** The usual report: known shards whose range is as it was. Costs one copy of the list; undefined when it is another case. */
function sameRanges(shards: readonly Shard[], byId: ReadonlyMap<ShardId, Shard>): readonly Shard[] | undefined {
  let found = 0
  for (const shard of shards) {
    const report = byId.get(shard.id)
    if (report === undefined) continue
    if (report.start !== shard.start || report.end !== shard.end) return undefined
    found++
  }
  return found === byId.size ? shards.map((shard) => byId.get(shard.id) ?? shard) : undefined
}

/**
 * What is left of `shard` beside everything that replaces parts of it: the piece below, else the piece above. Only one piece can keep the
 * id; where both would be left, the check for cover finds the hole.
 */
function remainder(shard: Shard, above: readonly Shard[]): Shard | undefined {
  if (above.length === 0) return shard
  const { epoch } = shard
  const isFirst = epoch.membership === 1 && epoch.range === 1
  return piece(isFirst ? { ...shard, epoch: { membership: 1, range: 0 } } : shard, above)
}

function piece(shard: Shard, above: readonly Shard[]): Shard | undefined {
  const ordered = [...above].sort((a, b) => (a.start < b.start ? -1 : 1))
  const first = ordered[0] as Shard
  const last = ordered.at(-1) as Shard
  if (shard.start < first.start) return { ...shard, end: first.start }
  if (last.end !== undefined && (shard.end === undefined || last.end < shard.end)) return { ...shard, start: last.end }
  return undefined
}
