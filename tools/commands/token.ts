/**
 * `flotilla token new` and `flotilla token hash`: tokens for `gateway.tokens`, whose configuration holds the hash and never the token. Asks no store.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import { type Column, outputFormat, printResult, UsageError } from '../cli/index.ts'
import { examples, type Registry } from './registry.ts'

interface HashedToken {
  readonly token?: string
  readonly hash: string
}

const HASH_COLUMN: Column<HashedToken> = { name: 'hash', value: ({ hash }) => hash }
const TOKEN_COLUMN: Column<HashedToken> = { name: 'token', value: ({ token }) => token }
/** 256 bits cannot be guessed, so a fast hash protects them. */
const TOKEN_BYTES = 32
/** A secret that somebody made up must not be found by trying. */
const TOKEN_CHARS_MIN = 24
const TOKEN_CHARS_MAX = 1024
/** What a bearer token may be made of (RFC 6750, section 2.1). */
const TOKEN_FORM = /^[A-Za-z0-9._~+/-]+=*$/

export function addToken(parent: Command, registry: Registry): void {
  const token = parent.command('token').description('make tokens for gateway.tokens')
  token
    .command('new')
    .description('make a new token and its hash; the token is shown this once')
    .addHelpText(
      'after',
      examples('flotilla token new', 'gateway: { tokens: [{ name: shop, hash: "sha256:...", role: write }] }'),
    )
    .action(async (_flags: object, command: Command) => {
      const secret = `flotilla_${randomBytes(TOKEN_BYTES).toString('base64url')}`
      await print(registry, command, { token: secret, hash: hashOf(secret) }, [TOKEN_COLUMN, HASH_COLUMN])
    })
  token
    .command('hash')
    .description('read a token from standard input, where nobody sees it, and print its hash')
    .addHelpText('after', examples('flotilla token hash < token.txt'))
    .action(async (_flags: object, command: Command) => {
      await print(registry, command, { hash: hashOf(await readToken(registry)) }, [HASH_COLUMN])
    })
}

async function print(
  registry: Registry,
  command: Command,
  hashed: HashedToken,
  columns: readonly Column<HashedToken>[],
): Promise<void> {
  await printResult(registry.context, outputFormat(command.optsWithGlobals(), registry.context, 'json'), {
    document: hashed,
    items: [hashed],
    columns,
    table: () => columns.map((column) => `${column.name.padEnd(5)}  ${column.value(hashed)}`).join('\n'),
    raw: `${hashed.hash}\n`,
  })
}

function hashOf(token: string): string {
  return `sha256:${createHash('sha256').update(token).digest('hex')}`
}

async function readToken({ context }: Registry): Promise<string> {
  let text = ''
  for await (const chunk of context.stdin.setEncoding('utf8')) {
    text += String(chunk)
    if (text.length > 2 * TOKEN_CHARS_MAX) break
  }
  const token = text.replace(/\r?\n$/, '')
  if (token.length < TOKEN_CHARS_MIN || token.length > TOKEN_CHARS_MAX || !TOKEN_FORM.test(token)) {
    throw new UsageError(
      `a token has ${TOKEN_CHARS_MIN} to ${TOKEN_CHARS_MAX} characters of A-Z a-z 0-9 . _ ~ + / - and no others; flotilla token new makes one`,
    )
  }
  return token
}
