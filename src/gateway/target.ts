/**
 * A request target taken apart as it arrived: nothing here resolves dot segments, merges slashes or decodes before the route is known,
 * so a key that looks like a path stays a key. Called by the bridge for every request.
 */

/** Everything but single keys is routed by Hono; a key has a path of its own that cannot be mistaken for another. */
export type Target =
  | {
      readonly kind: 'key'
      readonly encoding: 'percent' | 'base64url'
      readonly encodedKey: string
      readonly query: string
    }
  | { readonly kind: 'path'; readonly path: string; readonly query: string }

const KEY_PREFIX = '/kv/'
const KEY64_PREFIX = '/kv64/'

/** Takes origin-form and absolute-form (RFC 9112 section 3.2); of the latter the authority is dropped. `*` stays a path of its own. */
export function parseTarget(url: string): Target {
  const origin = url.charCodeAt(0) === 0x2f ? url : originForm(url)
  const mark = origin.indexOf('?')
  const path = mark < 0 ? origin : origin.slice(0, mark)
  const query = mark < 0 ? '' : origin.slice(mark + 1)
  if (path.startsWith(KEY_PREFIX)) {
    return { kind: 'key', encoding: 'percent', encodedKey: path.slice(KEY_PREFIX.length), query }
  }
  if (path.startsWith(KEY64_PREFIX)) {
    return { kind: 'key', encoding: 'base64url', encodedKey: path.slice(KEY64_PREFIX.length), query }
  }
  return { kind: 'path', path, query }
}

function originForm(url: string): string {
  const scheme = /^https?:\/\/[^/?]*/i.exec(url)
  if (scheme === null) return url
  const rest = url.slice(scheme[0].length)
  return rest.startsWith('/') ? rest : `/${rest}`
}
