/**
 * Single numbers out of a metrics page. Histograms are read by `api/latency.ts`.
 */

/** The value of a series without labels; undefined where the page has none. */
export function metricValue(page: string, name: string): number | undefined {
  const line = page.split('\n').find((each) => each.startsWith(`${name} `))
  return line === undefined ? undefined : Number(line.slice(name.length + 1))
}
