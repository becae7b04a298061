import type { DataKey, DataStore, KeyRange } from '../storage/index.ts'

/**
 * Finds the key that cuts a range into halves of about equal size, without holding the loop: large ranges are narrowed with the engine's own estimates,
 * and only what is left is read, page by page. Called for whoever wants to split a shard.
 */

/** What is read at the end; small enough to take a few dozen pages. */
const WINDOW_BYTES = 8 * 1024 * 1024
const PAGE_BYTES = 256 * 1024
const PAGE_ITEMS = 1_000
/** Each halves the space of keys; keys that differ late need many. What is left then is read, however large. */
const NARROWINGS_MAX = 200
const PLACES_MAX = 100_000
/** Of a key, looked at in one step. */
const DIGITS = 6

/** Undefined when the range has fewer than two keys. Otherwise never the range's first key, so that both halves have one. */
export async function findMiddleKey(data: DataStore, range: KeyRange): Promise<DataKey | undefined> {
  const first = await endKey(data, range, false)
  const last = await endKey(data, range, true)
  if (first === undefined || last === undefined || first === last) return undefined
  const bytesOf = async (start: DataKey, end: DataKey): Promise<number> =>
    (await data.approximateSize({ start, end })).bytes
  let low = first
  // The key right after the last one.
  const end = `${last}\0`
  let high = end
  // Estimates change while the engine compacts, so that only figures taken together are compared.
  let within = await bytesOf(low, high)
  for (let i = 0; i < NARROWINGS_MAX && within > WINDOW_BYTES; i++) {
    const middle = keyBetween(low, high)
    if (middle === undefined) break
    const [left, right] = await Promise.all([bytesOf(first, middle), bytesOf(middle, end)])
    if (left < right) low = middle
    else high = middle
    within = await bytesOf(low, high)
  }
  const [before, after] = await Promise.all([bytesOf(first, low), bytesOf(high, end)])
  const half = (before + within + after) / 2
  const part = within > 0 ? Math.min(1, Math.max(0, (half - before) / within)) : 0.5
  return await walk(data, { start: low, end: high }, first, part)
}

/** The first key in the range that has this part of its bytes before it, or else the last one; never `first`. */
async function walk(data: DataStore, range: KeyRange, first: DataKey, part: number): Promise<DataKey> {
  let sizes: { readonly key: DataKey; readonly before: number }[] = []
  let total = 0
  let { start } = range
  for (;;) {
    const options = {
      start,
      end: range.end,
      reverse: false,
      keysOnly: false,
      itemsMax: PAGE_ITEMS,
      bytesMax: PAGE_BYTES,
    }
    const page = await data.scan(options)
    for (const { key, value } of page.items) {
      if (key !== first) sizes.push({ key, before: total })
      total += key.length + value.length
    }
    const end = page.items.at(-1)?.key
    if (!page.more || end === undefined) break
    start = `${end}\0`
    // A window that could not be made small: every other place is good enough.
    if (sizes.length > PLACES_MAX) sizes = sizes.filter((_, place) => place % 2 === 0)
  }
  return (sizes.find(({ before }) => before >= part * total) ?? sizes.at(-1))?.key ?? range.start
}

async function endKey(data: DataStore, range: KeyRange, reverse: boolean): Promise<DataKey | undefined> {
  const page = await data.scan({ ...range, reverse, keysOnly: true, itemsMax: 1, bytesMax: 1 })
  return page.items[0]?.key
}

/** A key about halfway between two, which need not exist; undefined when none was found in one step. */
function keyBetween(low: DataKey, high: DataKey): DataKey | undefined {
  let common = 0
  while (common < low.length && low.charCodeAt(common) === high.charCodeAt(common)) common++
  const digits = (key: DataKey): number => {
    let value = 0
    for (let i = common; i < common + DIGITS; i++) value = value * 256 + (i < key.length ? key.charCodeAt(i) : 0)
    return value
  }
  let value = Math.floor((digits(low) + digits(high)) / 2)
  let tail = ''
  for (let i = 0; i < DIGITS; i++) {
    tail = String.fromCharCode(value % 256) + tail
    value = Math.floor(value / 256)
  }
  const middle = low.slice(0, common) + tail
  return middle > low && middle < high ? middle : undefined
}
