/** The mutation proof: planted bugs as data, and what must hold of the list. */
export { fails, huntWithTests } from './hunt.ts'
export { MUTANTS } from './list.ts'
export { AREA_TESTS, type Area, type Mutant } from './mutant.ts'
export { formatVerdict, parseVerdicts, resultsTable, summary, type Verdict } from './report.ts'
export { placesOf, plant, Workshop } from './workshop.ts'
