/** What `tools/deploy` tells people to run: every setting, flag, path and command in it exists, and those who would read the files take them. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseAllDocuments } from 'yaml'
import { loadConfig } from '../../src/server/config/index.ts'
import { startHarness } from '../gateway/harness.ts'
import { run } from './run.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const DEPLOY = path.join(ROOT, 'tools', 'deploy')
const NATS_SERVER = process.env.NATS_SERVER_BIN ?? '/usr/sbin/nats-server'

function read(name: string): string {
  return readFileSync(path.join(DEPLOY, name), 'utf8')
}

function skipWithout(program: string): string | false {
  return spawnSync(program, ['--version']).error === undefined ? false : `${program} is not here`
}

/** Every word of a command line that looks like a command of `flotilla`, run for its help. */
async function assertCommand(words: readonly string[]): Promise<void> {
  const command = words.filter((word) => /^[a-z-]+$/.test(word) && !word.startsWith('-'))
  const { exitCode, stdout } = await run([...command, '--help'])
  assert.equal(exitCode, 0, words.join(' '))
  for (const flag of words.filter((word) => word.startsWith('-')))
    assert(stdout.includes(flag), `${command.join(' ')} has no ${flag}`)
}

// biome-ignore lint/suspicious/noExplicitAny: a manifest of whatever shape.
type Manifest = any

function manifests(): Manifest[] {
  return parseAllDocuments(read('kubernetes.yaml')).map((document) => {
    assert.deepEqual(document.errors, [])
    return document.toJS()
  })
}

function manifest(kind: string, name = 'flotilla'): Manifest {
  const found = manifests().find((each) => each.kind === kind && each.metadata.name === name)
  assert(found !== undefined, `${kind} ${name} is missing`)
  return found
}

function assertValid(yaml: string, env: Record<string, string> = {}) {
  const directory = mkdtempSync(path.join(tmpdir(), 'flotilla-deploy-'))
  try {
    const file = path.join(directory, 'flotilla.yaml')
    writeFileSync(file, yaml)
    const loaded = loadConfig({ file, env })
    assert(loaded.ok, loaded.ok ? '' : loaded.errors.join('\n'))
    assert.deepEqual(loaded.warnings, [])
    return loaded
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

test('the configuration is valid, and keeps its data where unit and image put it', () => {
  const { config } = assertValid(read('flotilla.yaml'))
  assert.equal(config.store.dir, '/var/lib/flotilla')
  assert.match(read('flotilla.service'), /^StateDirectory=flotilla$/m)
  assert.match(read('Containerfile'), /^VOLUME \/var\/lib\/flotilla$/m)
})

test('the unit starts commands that exist, and is patient enough', async () => {
  const unit = read('flotilla.service')
  const lines = [...unit.matchAll(/^Exec(?:StartPre|Start)=\/usr\/bin\/flotilla (.*)$/gm)]
  assert.equal(lines.length, 2)
  for (const [, words] of lines) await assertCommand((words ?? '').split(' '))
  assert(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1]) > 30, 'an orderly stop may take 30 s')
})

test('systemd takes the unit', { skip: skipWithout('systemd-analyze') }, () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'flotilla-deploy-'))
  try {
    const file = path.join(directory, 'flotilla.service')
    // It checks that programs exist, and this one is not installed here.
    writeFileSync(file, read('flotilla.service').replaceAll('/usr/bin/flotilla', process.execPath))
    const checked = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' })
    const complaints = checked.stderr.split('\n').filter((line) => line.includes('flotilla.service'))
    assert.deepEqual(complaints, [])
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})

test('nats-server takes its configuration, whose user may do what a store does', {
  skip: skipWithout(NATS_SERVER),
}, () => {
  const checked = spawnSync(NATS_SERVER, ['-c', path.join(DEPLOY, 'nats.conf'), '-t'], { encoding: 'utf8' })
  assert.equal(checked.status, 0, checked.stderr)
  const { config } = assertValid(read('flotilla.yaml'))
  const conf = read('nats.conf')
  assert(conf.includes(`user: ${config.transport.user}`) && conf.includes(`password: ${config.transport.password}`))
  for (const what of ['publish', 'subscribe']) {
    const line = new RegExp(`${what}: \\[ (.*) \\]`).exec(conf)?.[1] ?? ''
    assert.deepEqual(line.split(', '), [`"flotilla.${config.cluster.id}.>"`, '"flotilla.hello.>"', '"flotilla.hello"'])
  }
})

test('the image copies what exists and runs a command that exists', async () => {
  const lines = read('Containerfile').replace(/\\\n/g, ' ').split('\n')
  const ignored = read('Containerfile.dockerignore').trim().split('\n')
  for (const line of lines.filter((line) => line.startsWith('COPY ') && !line.includes('--from='))) {
    for (const source of line.split(' ').slice(1, -1)) {
      assert(existsSync(path.join(ROOT, source)), `${source} does not exist`)
      assert(!ignored.includes(source), `${source} is ignored`)
    }
  }
  const words = (word: string): string[] =>
    JSON.parse(lines.find((line) => line.startsWith(`${word} [`))?.slice(word.length + 1) ?? '[]')
  assert.deepEqual(words('ENTRYPOINT'), ['node', '/app/dist/tools/flotilla.js'])
  const { bin, scripts } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'))
  assert.equal(bin.flotilla, 'dist/tools/flotilla.js')
  await assertCommand(words('CMD'))
  for (const [, script] of read('Containerfile').matchAll(/npm run ([\w:]+)/g))
    assert(scripts[script ?? ''] !== undefined)
})

test('the StatefulSet starts stores that are configured completely, each as its own', async () => {
  const { spec } = manifest('StatefulSet')
  const [container] = spec.template.spec.containers
  await assertCommand(container.args)
  const mount = container.volumeMounts.find((each: Manifest) => each.name === 'config')
  assert.equal(container.args[2], `${mount.mountPath}/flotilla.yaml`)
  const yaml = manifest('Secret').stringData['flotilla.yaml']
  const ids = new Set<string>()
  const founders = Array.from({ length: spec.replicas }, (_, ordinal) => `flotilla-${ordinal}`)
  for (const pod of founders) {
    const known: Record<string, string> = { POD_NAME: pod, POD_NAMESPACE: 'default', NODE_NAME: `node-of-${pod}` }
    const env: Record<string, string> = {}
    for (const { name, value, valueFrom } of container.env) {
      if (valueFrom !== undefined) assert(known[name] !== undefined, name)
      else env[name] = value.replace(/\$\((\w+)\)/g, (_: string, variable: string) => known[variable] ?? 'UNKNOWN')
    }
    const { config } = assertValid(yaml, env)
    assert.deepEqual(config.cluster.bootstrap.stores, founders)
    assert.equal(config.store.id, pod)
    assert.equal(config.store.labels.host, `node-of-${pod}`)
    assert.equal(config.gateway.listen.text, `${pod}.${spec.serviceName}.default.svc.cluster.local:8080`)
    const data = container.volumeMounts.find((each: Manifest) => each.name === 'data')
    assert(config.store.dir.startsWith(`${data.mountPath}/`))
    for (const file of [config.gateway.tls?.certFile, config.gateway.tls?.keyFile])
      assert(
        container.volumeMounts.some((each: Manifest) => file?.startsWith(`${each.mountPath}/`)),
        String(file),
      )
    ids.add(config.store.id)
  }
  assert.equal(ids.size, spec.replicas)
  assert(spec.template.spec.terminationGracePeriodSeconds > 30)
})

test('selectors, ports, probes and anti-affinity fit together', async (t) => {
  const { spec, metadata } = manifest('StatefulSet')
  const { labels } = spec.template.metadata
  assert.deepEqual(labels, metadata.labels)
  assert.deepEqual(spec.selector.matchLabels, labels)
  const [affinity] = spec.template.spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution
  assert.equal(affinity.topologyKey, 'kubernetes.io/hostname')
  assert.deepEqual(affinity.labelSelector.matchLabels, labels)
  assert.deepEqual(spec.template.spec.topologySpreadConstraints[0].labelSelector.matchLabels, labels)
  assert.deepEqual(manifest('PodDisruptionBudget').spec.selector.matchLabels, labels)
  assert.equal(manifest('PodDisruptionBudget').spec.maxUnavailable, 1)
  const [container] = spec.template.spec.containers
  for (const service of [manifest('Service', spec.serviceName), manifest('Service', 'flotilla-gateway')]) {
    assert.deepEqual(service.spec.selector, labels)
    for (const { targetPort } of service.spec.ports)
      assert(container.ports.some((port: Manifest) => port.name === targetPort))
  }
  const h = await startHarness(t)
  const paths = [container.startupProbe, container.livenessProbe, container.readinessProbe].map((probe) => {
    assert.deepEqual([probe.httpGet.port, probe.httpGet.scheme], ['https', 'HTTPS'])
    return probe.httpGet.path
  })
  assert.deepEqual(paths, ['/livez', '/livez', '/readyz'])
  for (const probed of [...paths, spec.template.metadata.annotations['prometheus.io/path']])
    assert.notEqual((await h.ask(probed)).json().detail, 'there is no such route', probed)
  const volumes = [
    ...spec.template.spec.volumes.map((volume: Manifest) => volume.name),
    ...spec.volumeClaimTemplates.map((claim: Manifest) => claim.metadata.name),
  ]
  for (const { name } of container.volumeMounts) assert(volumes.includes(name), name)
})

test('the page names every file', () => {
  for (const name of ['flotilla.yaml', 'flotilla.service', 'Containerfile', 'kubernetes.yaml', 'nats.conf'])
    assert(read('README.md').includes(`](${name})`), name)
})
