/** All planted bugs, area by area: what `npm run mutants` goes through, and what its test counts and applies. */
import { CORE_MUTANTS } from './core-mutants.ts'
import type { Mutant } from './mutant.ts'
import { PLACEMENT_MUTANTS } from './placement-mutants.ts'
import { SERVICE_MUTANTS } from './service-mutants.ts'
import { STORAGE_MUTANTS } from './storage-mutants.ts'

export const MUTANTS: readonly Mutant[] = [
  ...CORE_MUTANTS,
  ...STORAGE_MUTANTS,
  ...SERVICE_MUTANTS,
  ...PLACEMENT_MUTANTS,
]
