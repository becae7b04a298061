/** Tells who joined a group, left it or changed its role, from the shard before and after a membership entry was applied. */
import type { Shard } from '../../shard-map/index.ts'
import type { EventSink } from '../base/index.ts'

export function noteMembers(events: EventSink, before: Shard, after: Shard): void {
  const group = after.id
  const known = new Map(before.replicas.map((replica) => [replica.id, replica]))
  for (const { id, store, role } of after.replicas) {
    const earlier = known.get(id)
    known.delete(id)
    if (earlier === undefined) events.emit({ type: 'member_added', group, peer: store, data: { replica: id, role } })
    else if (earlier.role !== role) {
      const data = { replica: id, from: earlier.role, to: role }
      events.emit({ type: 'member_role_changed', group, peer: store, data })
    }
  }
  for (const { id, store } of known.values()) {
    events.emit({ type: 'member_removed', group, peer: store, data: { replica: id } })
  }
}
