/** The mutation proof: planted bugs as data, and what must hold of the list. */
export { runChild } from './child.ts'
export { fails, type HuntLimits, huntAgain, huntWithTests, type Scene } from './hunt.ts'
export { evidenceOf, formatVerdict, KeptVerdicts, parseVerdicts, type Verdict } from './kept.ts'
export { MUTANTS } from './list.ts'
export { AREA_TESTS, type Area, type Mutant } from './mutant.ts'
export { resultsTable, summary } from './report.ts'
export { placesOf, plant, Workshop } from './workshop.ts'
