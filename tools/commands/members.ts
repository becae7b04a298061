/** The stores of a cluster as commands reach them that speak to each one: its gateway, which may be away. */
import type { Session } from '../cli/index.ts'

export interface Member {
  readonly store: string
  /** `http://host:port` or `https://host:port`. */
  readonly endpoint: string
}

/** Every store that the cluster knows and that has not left, by id. */
export async function clusterMembers(session: Session): Promise<readonly Member[]> {
  const { document } = await session.getJson<{
    readonly stores: readonly { readonly id: string; readonly address: string; readonly state: string }[]
  }>('/admin/stores')
  // All gateways of a cluster speak as the one that was named.
  const scheme = session.endpoints[0]?.startsWith('https:') === true ? 'https' : 'http'
  return document.stores
    .filter(({ state }) => state !== 'gone' && state !== 'registered')
    .map(({ id, address }) => ({ store: id, endpoint: `${scheme}://${address}` }))
    .sort((left, right) => (left.store < right.store ? -1 : 1))
}
