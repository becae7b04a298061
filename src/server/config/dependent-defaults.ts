/** The defaults that depend on other settings. */

/** Or the number of founding stores, where there are fewer. */
const REPLICAS_DEFAULT = 3

/** By dotted name. `given` is what holds of the settings that they depend on. */
export function dependentDefaults(given: (name: string) => unknown): ReadonlyMap<string, unknown> {
  const founders = given('cluster.bootstrap.stores') as readonly string[]
  return new Map<string, unknown>([
    ['store.dir', `./data/${String(given('store.id'))}`],
    ['cluster.bootstrap.replicas', Math.min(REPLICAS_DEFAULT, founders.length)],
  ])
}
