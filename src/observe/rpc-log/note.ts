/** What the hot path noted of a message, as the rest of the RPC log takes it. Such objects are made once and filled again and again. */
export interface Note {
  kind: number
  peer: number
  group: number
  term: number
  index: number
  entries: number
  bytes: number
  failed: boolean
  atMs: number
}

export function newNote(): Note {
  return { kind: 0, peer: 0, group: 0, term: 0, index: 0, entries: 0, bytes: 0, failed: false, atMs: Number.NaN }
}
