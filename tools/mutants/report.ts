/** What a hunt found, as words and as the table of `test/sim/RESULTS.md`. */
import type { Catch } from './hunt.ts'
import type { Verdict } from './kept.ts'
import type { Mutant } from './mutant.ts'

export function describeVerdict(mutant: Mutant, { simulation, tests }: Verdict): string {
  const isCaught = simulation !== undefined || tests !== undefined
  return `${isCaught ? 'caught  ' : 'SURVIVED'}  ${mutant.area}: ${mutant.id}\n            simulation: ${simulation ?? '-'}\n            tests: ${tests ?? '-'}`
}

export function summary(mutants: readonly Mutant[], verdicts: ReadonlyMap<string, Verdict>): string {
  const judged = mutants.flatMap(({ id }) => verdicts.get(id) ?? [])
  const bySimulation = judged.filter(({ simulation }) => simulation !== undefined)
  const byTests = judged.filter(({ tests }) => tests !== undefined)
  const caught = judged.filter(({ simulation, tests }) => simulation !== undefined || tests !== undefined)
  const onlySimulation = bySimulation.filter(({ tests }) => tests === undefined)
  const rate = judged.length === 0 ? 0 : Math.round((1000 * caught.length) / judged.length) / 10
  return (
    `${caught.length} of ${judged.length} planted bugs caught (${rate} %): ` +
    `${bySimulation.length} by the simulator, ${byTests.length} by tests of their area, ${onlySimulation.length} by the simulator alone`
  )
}

/** The section of the results, without its heading. */
export function resultsTable(mutants: readonly Mutant[], verdicts: ReadonlyMap<string, Verdict>): string {
  const rows = mutants.map((mutant) => {
    const verdict = verdicts.get(mutant.id)
    if (verdict === undefined) return undefined
    const cells = [mutant.area, mutant.id, mutant.breaks, seedOf(verdict.simulation), verdict.tests ?? '-']
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  })
  const survivors = mutants.filter(({ id }) => {
    const verdict = verdicts.get(id)
    return verdict !== undefined && verdict.simulation === undefined && verdict.tests === undefined
  })
  return [
    `${summary(mutants, verdicts)}.`,
    '',
    '| area | planted bug | breaks | simulator | tests |',
    '|---|---|---|---|---|',
    ...rows.filter((row) => row !== undefined),
    '',
    survivors.length === 0 ? 'Nobody survived.' : 'Survivors, and why:',
    '',
    ...survivors.map(({ id, survives }) => `- ${id}: ${survives ?? 'not known yet'}`),
  ].join('\n')
}

function seedOf(caught: Catch): string {
  return caught === undefined ? '-' : (caught.split(':')[0] ?? caught)
}
