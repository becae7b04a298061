/**
 * A network of its own for one store, in a namespace of the kernel: what is done to it happens to packets, not to connections, and TCP has to find out.
 * Two cables lead out of it: one to the broker, which can be pulled, and one for the people who operate the store, which stays. Needs Linux,
 * iproute2 and the right to make namespaces; where that is missing there is none, and whoever wanted it says so. It decides nothing; faults do.
 */
import { spawnSync } from 'node:child_process'

export const NO_NAMESPACES = 'this user may not make network namespaces, so no cable can be pulled'

/** Which packets of the cable to the broker do not arrive. */
export type Deafness = 'store' | 'broker'

/** Nobody's address: packets to it are dropped by whoever gets them, and nobody is told. */
const NOBODY = '02:00:00:00:00:01'
/** Networks of four addresses in 10.64.0.0/10 per namespace: one per cable. */
const ADDRESSES_PER_NAMESPACE = 8
const NAMESPACES_PER_PROCESS_MAX = 16

const made = new Set<NetworkNamespace>()
process.once('exit', () => {
  for (const namespace of made) namespace.remove()
})

interface Cable {
  readonly hostLink: string
  readonly hostAddress: string
  readonly link: string
  readonly address: string
}

export class NetworkNamespace {
  readonly name: string
  readonly #broker: Cable
  readonly #operator: Cable

  private constructor(number: number) {
    this.name = `flotilla-${process.pid}-${number}`
    this.#broker = cable(number, 'b', 0)
    this.#operator = cable(number, 'o', ADDRESSES_PER_NAMESPACE / 2)
  }

  /** `count` namespaces, or none where they cannot be made. */
  static make(count: number): readonly NetworkNamespace[] {
    if (process.platform !== 'linux' || count > NAMESPACES_PER_PROCESS_MAX) return []
    const namespaces = Array.from({ length: count }, (_, number) => new NetworkNamespace(number))
    for (const namespace of namespaces) {
      made.add(namespace)
      if (namespace.#make()) continue
      for (const each of namespaces) each.remove()
      return []
    }
    return namespaces
  }

  /** Where the broker's side of its cable listens: reachable from inside. */
  get brokerHost(): string {
    return this.#broker.hostAddress
  }

  /** Where the store listens for people: reachable from outside, whatever happens to the other cable. */
  get storeHost(): string {
    return this.#operator.address
  }

  /** The command that does the same inside. */
  inside(command: readonly string[]): string[] {
    return ['ip', 'netns', 'exec', this.name, ...command]
  }

  /** Pulls the cable to the broker: packets of both directions are lost from now on. */
  pull(): void {
    must('link', 'set', this.#broker.hostLink, 'down')
  }

  /** Loses packets of one direction only: those to whoever is deaf. */
  deafen(who: Deafness): void {
    const { hostLink, hostAddress, link, address } = this.#broker
    if (who === 'broker') must('-n', this.name, ...neighbour(hostAddress, link))
    else must(...neighbour(address, hostLink))
  }

  /** The cable is as it should be. */
  mend(): void {
    const { hostLink, hostAddress, link, address } = this.#broker
    must('link', 'set', hostLink, 'up')
    // Gone already where nobody was deaf.
    ip('-n', this.name, 'neigh', 'del', hostAddress, 'dev', link)
    ip('neigh', 'del', address, 'dev', hostLink)
  }

  remove(): void {
    if (!made.delete(this)) return
    // The cables go with it.
    ip('netns', 'del', this.name)
  }

  #make(): boolean {
    if (!ip('netns', 'add', this.name) || !ip('-n', this.name, 'link', 'set', 'lo', 'up')) return false
    return [this.#broker, this.#operator].every(
      ({ hostLink, hostAddress, link, address }) =>
        ip('link', 'add', hostLink, 'type', 'veth', 'peer', 'name', link, 'netns', this.name) &&
        ip('address', 'add', `${hostAddress}/30`, 'dev', hostLink) &&
        ip('link', 'set', hostLink, 'up') &&
        ip('-n', this.name, 'address', 'add', `${address}/30`, 'dev', link) &&
        ip('-n', this.name, 'link', 'set', link, 'up'),
    )
  }
}

/** Addresses follow from the process, so that runs beside each other have different ones. */
function cable(number: number, kind: string, offset: number): Cable {
  const first = (process.pid * NAMESPACES_PER_PROCESS_MAX + number) * ADDRESSES_PER_NAMESPACE + offset
  const host = (place: number): string => `10.${64 + ((place >> 16) & 0x3f)}.${(place >> 8) & 0xff}.${place & 0xff}`
  return {
    hostLink: `fl${process.pid.toString(36)}${kind}${number}`,
    hostAddress: host(first + 1),
    link: `${kind}0`,
    address: host(first + 2),
  }
}

function neighbour(address: string, link: string): string[] {
  return ['neigh', 'replace', address, 'lladdr', NOBODY, 'dev', link, 'nud', 'permanent']
}

function must(...words: readonly string[]): void {
  if (!ip(...words)) throw new Error(`ip ${words.join(' ')} failed`)
}

function ip(...words: readonly string[]): boolean {
  return spawnSync('ip', words, { stdio: 'ignore' }).status === 0
}
