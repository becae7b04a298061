/**
 * A copy of the sources without any bug. Whoever noticed a bug is asked here too: what fails without the bug has noticed nothing. Each check is asked once,
 * and only when it is accused.
 */
import { fails, type HuntLimits, type SoundSources, simulate } from './hunt.ts'
import type { Workshop } from './workshop.ts'

export class SoundCopy implements SoundSources {
  readonly #workshop: Workshop
  readonly #limits: HuntLimits
  readonly #asked = new Map<string, Promise<boolean>>()

  constructor(workshop: Workshop, limits: HuntLimits) {
    this.#workshop = workshop
    this.#limits = limits
  }

  passesFile(file: string): Promise<boolean> {
    return this.#once(file, async () => !(await fails(this.#workshop.directory, file)).isFailing)
  }

  passesSeed(seed: number): Promise<boolean> {
    return this.#once(`seed ${seed}`, async () => {
      const { kind } = await simulate(this.#workshop.directory, seed, 1, this.#limits)
      return kind === 'passed'
    })
  }

  #once(check: string, ask: () => Promise<boolean>): Promise<boolean> {
    const known = this.#asked.get(check)
    if (known !== undefined) return known
    const asked = ask().then((passes) => {
      if (!passes) console.log(`without any planted bug ${check} fails: it is not asked`)
      return passes
    })
    this.#asked.set(check, asked)
    return asked
  }
}
