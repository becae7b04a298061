/** `bench compare`: Flotilla beside its peers on one machine, as ratios. */
export { type CompareOptions, compareCommand } from './compare-command.ts'
export { type ComparisonOptions, rotated, runComparison } from './comparison.ts'
export { median, medianRows, ratios, type Sample } from './judge.ts'
export { ratioTable } from './table.ts'
export { RATIO_RULES, type RatioRule, WORKLOADS } from './workloads.ts'
