/**
 * The kinds of values that settings have, each a zod schema together with what the loader needs to know about it: how to read it from text, what
 * to say when it is wrong, how to print it. The schema is made of these and nothing else.
 */
import { z } from 'zod'
import { isBrokerAddress, type Listen, parseListen } from './address.ts'
import { formatBytes, formatDurationMs, parseBytes, parseDurationMs } from './units.ts'

/** How a value is written where there is only text: in the environment and in flags. */
export type TextForm =
  /** The text itself. */
  | 'text'
  /** `true`, `false`, `null`, a number, otherwise the text itself. */
  | 'scalar'
  /** `a,b,c`, or a YAML list in brackets. */
  | 'list'
  /** `a=1,b=2`, or a YAML map in braces. */
  | 'map'
  /** YAML. */
  | 'document'

export interface Leaf<T> {
  readonly schema: z.ZodType<T>
  readonly form: TextForm
  /** Completes the sentence "expected ...". */
  readonly expected: string
  /** Of a map with fixed keys. */
  readonly keys?: readonly string[]
  /** Of numbers in the effective configuration. */
  readonly unit?: 'bytes' | 'ms'
  /** From the effective value back to what a file holds. Absent: they are the same. */
  readonly print?: (value: T) => unknown
}

export function whole(min: number, max: number): Leaf<number> {
  return {
    schema: z.int().min(min).max(max),
    form: 'scalar',
    expected: `a whole number from ${min} to ${max}`,
  }
}

/** A part of a whole. */
export function share(): Leaf<number> {
  return { schema: z.number().min(0).max(1), form: 'scalar', expected: 'a number from 0 to 1' }
}

/** The effective value is a number of bytes. */
export function size(min: number, max: number): Leaf<number> {
  const expected = `a size from ${formatBytes(min)} to ${formatBytes(max)}, such as 64MiB, or a number of bytes`
  return {
    schema: parsed(parseBytes).refine((bytes) => bytes >= min && bytes <= max),
    form: 'scalar',
    expected,
    unit: 'bytes',
    print: formatBytes,
  }
}

/** The effective value is a number of milliseconds. */
export function duration(minMs: number, maxMs: number): Leaf<number> {
  return {
    schema: parsed(parseDurationMs).refine((durationMs) => durationMs >= minMs && durationMs <= maxMs),
    form: 'scalar',
    expected: `a duration with its unit from ${formatDurationMs(minMs)} to ${formatDurationMs(maxMs)}, such as 50ms, 30s or 5m`,
    unit: 'ms',
    print: formatDurationMs,
  }
}

export function flag(): Leaf<boolean> {
  return { schema: z.boolean(), form: 'scalar', expected: 'true or false' }
}

export function choice<const T extends readonly (string | boolean)[]>(...values: T): Leaf<T[number]> {
  return { schema: z.literal(values), form: 'scalar', expected: `one of ${values.join(', ')}` }
}

/** A name that can be part of subjects, paths and URLs. */
export function identifier(): Leaf<string> {
  return { schema: z.string().regex(IDENTIFIER), form: 'text', expected: IDENTIFIER_EXPECTED }
}

export const IDENTIFIER = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/
const IDENTIFIER_EXPECTED =
  'a text of 1 to 64 letters, digits, "-" and "_" that begins with a letter or digit (quote it where it is only digits)'

export function identifiers(): Leaf<string[]> {
  return {
    schema: z.array(z.string().regex(IDENTIFIER)).min(1),
    form: 'list',
    expected: `a list, at least one, each ${IDENTIFIER_EXPECTED}`,
  }
}

/** Origins of web pages, as browsers spell them; `*` stands for all. */
export function origins(): Leaf<string[]> {
  return {
    schema: z.array(z.string().refine(isOrigin)),
    form: 'list',
    expected: 'a list of origins such as https://shop.example or http://localhost:3000, without a path; * is all',
  }
}

function isOrigin(text: string): boolean {
  return text === '*' || (/^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text)
}

export function text(expected: string): Leaf<string> {
  return { schema: z.string().min(1), form: 'text', expected }
}

/** Anything that a schema describes, written as YAML where there is only text. */
export function document<T>(schema: z.ZodType<T>, expected: string, keys: readonly string[] = []): Leaf<T> {
  return { schema, form: 'document', expected, keys }
}

export function optional<T>(leaf: Leaf<T>): Leaf<T | undefined> {
  return { schema: leaf.schema.optional(), form: leaf.form, expected: leaf.expected, keys: leaf.keys ?? [] }
}

/** Null stands for "none", as an absent setting does. */
export function optionalText(expected: string): Leaf<string | undefined> {
  return {
    schema: z.union([z.string().min(1), z.null().transform(() => undefined)]).optional(),
    form: 'text',
    expected,
  }
}

const LABELS_MAX = 32
const LABEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/

export function labels(): Leaf<Record<string, string>> {
  return {
    schema: z
      .record(z.string().regex(LABEL_NAME), z.string().max(128))
      .refine((entries) => Object.keys(entries).length <= LABELS_MAX),
    form: 'map',
    expected: `at most ${LABELS_MAX} labels, names of letters, digits, ".", "_", "/" and "-", values of text (quote numbers)`,
  }
}

export function brokerAddresses(): Leaf<string[]> {
  return {
    schema: z.array(z.string().refine(isBrokerAddress)).min(1),
    form: 'list',
    expected: 'a list of addresses such as nats://127.0.0.1:4222',
  }
}

export function listen(): Leaf<Listen> {
  return {
    schema: parsed(parseListen),
    form: 'text',
    expected: 'host:port, such as 127.0.0.1:8080 or [::1]:8080',
    print: (value) => value.text,
  }
}

/** A zod schema for values that a function reads; undefined means that it cannot. */
function parsed<T>(parse: (value: unknown) => T | undefined): z.ZodType<T> {
  return z.unknown().transform((value, context) => {
    const result = parse(value)
    if (result !== undefined) return result
    context.addIssue({ code: 'custom', message: 'unreadable' })
    return z.NEVER
  })
}
