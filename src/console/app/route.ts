/**
 * Links of the console: which view, of what, and how. They stand behind the `#`, so that keys, which are user data, never reach a server's log.
 */

export interface Route {
  /** The first word; empty for the overview. */
  readonly view: string
  /** Which shard, store or operator. */
  readonly item: string
  readonly query: URLSearchParams
}

export function routeOf(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2)
  const [view = '', item = ''] = path.split('/', 2)
  return { view, item: decoded(item), query: new URLSearchParams(query) }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // Typed by hand; no such thing exists then, and the view says so.
    return text
  }
}

/** Parameters that are empty or undefined are left out. */
export function link(view: string, item = '', query: Readonly<Record<string, string | undefined>> = {}): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== '') parameters.set(name, value)
  const path = item === '' ? `#/${view}` : `#/${view}/${encodeURIComponent(item)}`
  const text = parameters.toString()
  return text === '' ? path : `${path}?${text}`
}
