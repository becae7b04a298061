/** `bench compare`: Flotilla beside its peers on one machine, as ratios. */
export { type CompareOptions, compareCommand } from './compare-command.ts'
export { rotated } from './comparison.ts'
export { type MedianRow, median, medianRows, type Ratio, ratios, type Sample } from './judge.ts'
export { ratioTable } from './table.ts'
export { RATIO_RULES, type RatioRule, WORKLOADS, type Workload } from './workloads.ts'
