/** Reads a metrics page strictly: whatever the exposition format forbids is an error here. */
import assert from 'node:assert/strict'

export interface Family {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: {
    readonly name: string
    readonly labels: Readonly<Record<string, string>>
    readonly value: number
  }[]
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? ([-+0-9.eEInfNa]+)$/
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/y

export function parseExposition(text: string): Map<string, Family> {
  assert.ok(text.endsWith('\n'), 'the last line has an end')
  const families = new Map<string, Family>()
  const helps = new Map<string, string>()
  const series = new Set<string>()
  let current: Family | undefined
  for (const line of text.split('\n')) {
    if (line === '') continue
    const help = /^# HELP (\S+) (.+)$/.exec(line)
    if (help !== null) {
      assert.ok(!helps.has(help[1] ?? ''), `two HELP lines for ${help[1]}`)
      helps.set(help[1] ?? '', help[2] ?? '')
      continue
    }
    const type = /^# TYPE (\S+) (counter|gauge|histogram|summary)$/.exec(line)
    if (type !== null) {
      const [, name = '', kind = ''] = type
      assert.ok(!families.has(name), `two families ${name}`)
      current = { name, type: kind, help: helps.get(name) ?? '', samples: [] }
      families.set(name, current)
      continue
    }
    const sample = SAMPLE.exec(line)
    assert.ok(sample !== null && current !== undefined, `not a sample: ${line}`)
    const [, name = '', labelText = '', valueText = ''] = sample
    const labels = parseLabels(labelText, line)
    const key = `${name}${JSON.stringify(Object.entries(labels).sort())}`
    assert.ok(!series.has(key), `twice: ${line}`)
    series.add(key)
    const suffix = name.slice(current.name.length)
    assert.ok(name.startsWith(current.name), `${name} stands under ${current.name}`)
    assert.ok(
      suffix === '' ||
        (current.type === 'histogram' && /^_(bucket|sum|count)$/.test(suffix)) ||
        current.type === 'summary',
    )
    const value = valueText === '+Inf' ? Number.POSITIVE_INFINITY : Number(valueText)
    assert.ok(valueText === 'NaN' || valueText === 'Nan' || !Number.isNaN(value), line)
    current.samples.push({ name, labels, value })
  }
  for (const family of families.values()) checkFamily(family)
  return families
}

function parseLabels(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {}
  LABEL.lastIndex = 0
  while (LABEL.lastIndex < text.length) {
    const match = LABEL.exec(text)
    assert.ok(match !== null, `labels of ${line}`)
    assert.ok(!Object.hasOwn(labels, match[1] ?? ''), line)
    labels[match[1] ?? ''] = match[2] ?? ''
  }
  return labels
}

/** What `promtool check metrics` would say too. */
function checkFamily({ name, type, help, samples }: Family): void {
  assert.notEqual(help, '', `${name} has no help`)
  if (type === 'counter') {
    // prom-client's own counters keep the rule, too.
    assert.match(name, /_total$/, `the counter ${name}`)
    for (const sample of samples) assert.ok(sample.value >= 0, name)
  } else assert.doesNotMatch(name, /_total$/, `${name} is no counter`)
  assert.doesNotMatch(name, /_(?:milliseconds|ms|minutes|kilobytes|kb|mb)(?:_|$)/, `${name} is not in base units`)
  if (type !== 'histogram') return
  const bySeries = new Map<string, { readonly le: number; readonly value: number }[]>()
  for (const { name: sampleName, labels, value } of samples) {
    if (!sampleName.endsWith('_bucket')) continue
    const { le = '', ...rest } = labels
    const key = JSON.stringify(rest)
    const buckets = bySeries.get(key) ?? []
    buckets.push({ le: le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le), value })
    bySeries.set(key, buckets)
  }
  for (const [key, buckets] of bySeries) {
    assert.equal(buckets.at(-1)?.le, Number.POSITIVE_INFINITY, `${name} ${key} ends with +Inf`)
    for (let i = 1; i < buckets.length; i++) {
      assert.ok(
        (buckets[i]?.le ?? 0) > (buckets[i - 1]?.le ?? 0) && (buckets[i]?.value ?? 0) >= (buckets[i - 1]?.value ?? 0),
        name,
      )
    }
    const count = samples.find(({ name: each, labels }) => each === `${name}_count` && JSON.stringify(labels) === key)
    assert.equal(count?.value, buckets.at(-1)?.value, `${name}_count`)
  }
}
