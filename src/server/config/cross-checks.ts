/**
 * What must hold between settings that are each fine by themselves, and what is allowed but worth a word.
 */

import { findUnusableKey } from '../../transport/index.ts'
import { hostOfBroker, isLoopbackHost, withoutCredentials } from './address.ts'
import type { Config } from './schema.ts'
import { tokenContradictions } from './tokens.ts'
import { formatBytes } from './units.ts'

/** A sentence about the setting `name`. */
export interface Finding {
  readonly name: string
  readonly sentence: string
}

/** Contradictions: the process must not start with them. */
export function contradictions(config: Config): Finding[] {
  return [
    ...clusterContradictions(config),
    ...transportContradictions(config),
    ...sizeContradictions(config),
    ...gatewayContradictions(config),
  ]
}

function clusterContradictions({ cluster, raft }: Config): Finding[] {
  const findings: Finding[] = []
  const { stores, replicas } = cluster.bootstrap
  const repeated = stores.find((store, index) => stores.indexOf(store) !== index)
  if (repeated !== undefined) {
    findings.push({ name: 'cluster.bootstrap.stores', sentence: `names ${repeated} twice; expected each store once` })
  }
  if (replicas > stores.length) {
    const sentence = `is ${replicas}, but cluster.bootstrap.stores names ${stores.length}; expected at most one replica for each store`
    findings.push({ name: 'cluster.bootstrap.replicas', sentence })
  }
  if (raft.heartbeatTicks >= raft.electionTicks) {
    const sentence = `is ${raft.heartbeatTicks}; expected less than raft.electionTicks, which is ${raft.electionTicks}`
    findings.push({ name: 'raft.heartbeatTicks', sentence })
  }
  return findings
}

function transportContradictions({ transport }: Config): Finding[] {
  const findings: Finding[] = []
  const { user, password, token, nkey, creds, embedded, tls, clusterKey, clusterKeyAccepted } = transport
  const given = Object.entries({ user, token, nkey, creds }).flatMap(([name, value]) =>
    value === undefined ? [] : [`transport.${name}`],
  )
  const [first, second] = given
  if (first !== undefined && second !== undefined) {
    findings.push({ name: second, sentence: `is given beside ${first}; expected one kind of credentials` })
  }
  if (password !== undefined && user === undefined) {
    findings.push({ name: 'transport.password', sentence: 'is given without transport.user; expected both' })
  }
  const unusable = findUnusableKey({ clusterKey, clusterKeyAccepted })
  if (unusable !== undefined) findings.push({ name: `transport.${unusable.name}`, sentence: unusable.why })
  if (embedded !== true) return findings
  if (tls !== undefined && tls !== null) {
    findings.push({
      name: 'transport.tls',
      sentence: 'is given, but the embedded broker has no TLS; use a nats-server',
    })
  }
  const foreign = nkey !== undefined ? 'transport.nkey' : creds !== undefined ? 'transport.creds' : undefined
  if (foreign !== undefined) {
    const sentence = 'is given, but the embedded broker knows only transport.user with a password, or transport.token'
    findings.push({ name: foreign, sentence })
  }
  return findings
}

function sizeContradictions({ placement }: Config): Finding[] {
  const { split, merge } = placement
  if (merge.bytes * 2 <= split.bytes) return []
  // Two shards just below the limit for merging would make one that is split again at once.
  const sentence = `is ${formatBytes(merge.bytes)}; expected at most half of placement.split.bytes, which is ${formatBytes(split.bytes)}`
  return [{ name: 'placement.merge.bytes', sentence }]
}

function gatewayContradictions({ gateway }: Config): Finding[] {
  const findings = tokenContradictions(gateway.tokens).map((sentence) => ({ name: 'gateway.tokens', sentence }))
  const { host, text } = gateway.listen
  if (
    !isLoopbackHost(host) &&
    gateway.tokens.length === 0 &&
    gateway.tls?.caFile === undefined &&
    !gateway.allowAnonymous
  ) {
    const sentence = `is ${text}, where others can reach it, and gateway.tokens is empty; expected tokens (flotilla token new makes them), client certificates (gateway.tls.caFile), a loopback address, or gateway.allowAnonymous: true where everybody in the network may read and write everything`
    findings.push({ name: 'gateway.listen', sentence })
  }
  if (gateway.cors.origins.includes('*') && gateway.tokens.length === 0 && !gateway.allowAnonymous) {
    const sentence =
      'has *, and gateway.tokens is empty, so that every page in a browser of this machine could read and write everything; expected tokens, the origins of the pages that may, or gateway.allowAnonymous: true'
    findings.push({ name: 'gateway.cors.origins', sentence })
  }
  return findings
}

/** Allowed, but probably not what was meant. */
export function advice(config: Config): Finding[] {
  const findings: Finding[] = []
  const { gateway } = config
  if (!isLoopbackHost(gateway.listen.host) && gateway.tokens.length > 0 && gateway.tls === null) {
    const sentence = 'are sent unencrypted; set gateway.tls, unless the network is encrypted or a proxy ends TLS'
    findings.push({ name: 'gateway.tokens', sentence })
  }
  if (['0.0.0.0', '::'].includes(gateway.listen.host)) {
    const sentence = `is ${gateway.listen.text}, and that is what the others are told; name the address at which this machine is reached`
    findings.push({ name: 'gateway.listen', sentence })
  }
  const { bootstrap } = config.cluster
  findings.push(...embeddedAdvice(config.transport, bootstrap.stores.length))
  if (bootstrap.replicas % 2 === 0) {
    const sentence = `is ${bootstrap.replicas}; an odd number survives as many losses with one copy less`
    findings.push({ name: 'cluster.bootstrap.replicas', sentence })
  }
  if (!bootstrap.stores.includes(config.store.id)) {
    const sentence = `is ${config.store.id}, which cluster.bootstrap.stores does not name: it joins a cluster that exists`
    findings.push({ name: 'store.id', sentence })
  }
  return findings
}

/** Where the broker that a store hosts can be reached by others. */
function embeddedAdvice({ embedded, servers, user, token }: Config['transport'], founders: number): Finding[] {
  const [address = ''] = servers
  if (isLoopbackHost(hostOfBroker(address))) return []
  const first = withoutCredentials(address)
  if (embedded === 'auto' && servers.length === 1) {
    const sentence = `is auto, and ${first} is not loopback: no store hosts a broker there; run a nats-server, or set transport.embedded: true on the one store that has this address`
    return founders > 1 ? [{ name: 'transport.embedded', sentence }] : []
  }
  if (embedded !== true) return []
  const findings: Finding[] = []
  if (user === undefined && token === undefined) {
    const sentence = `is true at ${first}, where others can reach it, without transport.user or transport.token; whoever reaches it can read and change everything`
    findings.push({ name: 'transport.embedded', sentence })
  }
  if (founders > 1) {
    const sentence = `is true, so this process is the broker of ${founders} stores: set it on this one only, and none of them serves while it is away; in production use a nats-server`
    findings.push({ name: 'transport.embedded', sentence })
  }
  return findings
}
