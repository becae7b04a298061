/** Every decoder takes every input: a fixed seed, a few thousand inputs each, and the proof that the fuzzer would notice. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { seededRandom } from '../storage/log/support.ts'
import { readRepository, repositoryOf } from '../tidy/repository.ts'
import type { Decoder } from './decoder.ts'
import { DecoderFuzzer, type Finding } from './fuzzer.ts'
import { DECODERS, missingDecoders, vanishedDecoders } from './table.ts'

const SEED = 20_26
const INPUTS = 2500
const repository = readRepository(path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..'))

function firstFinding(decoder: Decoder, inputs: number): Finding | undefined {
  const fuzzer = new DecoderFuzzer(decoder, seededRandom(SEED))
  const wrongSeed = fuzzer.checkSeeds()
  if (wrongSeed !== undefined) return wrongSeed
  for (let i = 0; i < inputs; i++) {
    const finding = fuzzer.step()
    if (finding !== undefined) return finding
  }
  return undefined
}

test('no decoder is missing from the table, and none in it is gone', () => {
  assert.deepEqual(missingDecoders(repository, DECODERS), [])
  assert.deepEqual(vanishedDecoders(repository, DECODERS), [])
  const names = DECODERS.map(({ name }) => name)
  assert.equal(new Set(names).size, names.length)
})

test('a decoder that is missing from the table is named', () => {
  const broken = repositoryOf({ 'src/protocol/new-codec.ts': 'export function decodeNovelty(bytes: Uint8Array) {}\n' })
  assert.deepEqual(missingDecoders(broken, DECODERS), ['src/protocol/new-codec.ts#decodeNovelty'])
  assert(vanishedDecoders(broken, DECODERS).length > 40)
})

for (const decoder of DECODERS) {
  test(`any bytes: ${decoder.name}`, () => {
    assert(decoder.seeds.length > 0, 'no valid input to start from')
    const finding = firstFinding(decoder, INPUTS)
    assert.equal(finding, undefined, `${finding?.what}\ninput (base64): ${finding?.input}`)
  })
}

const VALID = Uint8Array.of(1, 2, 3, 4)
const MISTAKES: Readonly<Record<string, readonly [RegExp, Partial<Decoder>]>> = {
  'an error of another kind': [
    /throws RangeError/,
    {
      decode: (bytes) => {
        if (bytes.length > 20) throw new RangeError('out of range')
        return true
      },
      allows: (error) => error instanceof TypeError,
    },
  ],
  'memory on the word of a header': [
    /bytes for/,
    { decode: (bytes) => new Array(bytes.length > 4 ? (bytes[4] as number) * 10_000 : 1).fill(0).length > 0 },
  ],
  'a valid input that is refused': [/is not accepted/, { decode: () => false }],
  'an input that is written to': [
    /changes its input/,
    {
      decode: (bytes) => {
        if (bytes.length > 4) bytes[0] = 0xaa
        return true
      },
    },
  ],
}

for (const [mistake, [pattern, fields]] of Object.entries(MISTAKES)) {
  test(`the fuzzer notices ${mistake}`, () => {
    const decoder: Decoder = { name: 'wrong', covers: [], seeds: [VALID], decode: () => true, ...fields }
    const finding = firstFinding(decoder, INPUTS)
    assert(finding !== undefined, 'nothing was found')
    assert.match(finding.what, pattern)
    assert(finding.input.length > 0)
  })
}

test('the program tries every decoder, counts, and repeats itself with a seed', { timeout: 120_000 }, async () => {
  const program = fileURLToPath(new URL('fuzz-program.ts', import.meta.url))
  const words = ['--import', 'tsx', program, '--minutes', '0.0001', '--seed', '7', '--only', 'snapshot']
  const outputs: string[] = []
  for (let run = 0; run < 2; run++) {
    outputs.push(
      await new Promise((resolve, reject) => {
        execFile(process.execPath, words, (error, stdout) => (error === null ? resolve(stdout) : reject(error)))
      }),
    )
  }
  assert.match(outputs[0] ?? '', /snapshot chunk +500 tried +[1-9]\d* accepted/)
  assert.match(outputs[0] ?? '', /3000 inputs, 0 findings/)
  assert.equal(outputs[0], outputs[1])
})
