/** `flotilla version`: of this program; asks nobody. */
import { createRequire } from 'node:module'
import type { Command } from 'commander'
import { type Column, outputFormat, printResult } from '../cli/index.ts'
import { examples, type Registry } from './registry.ts'

interface Version {
  readonly name: string
  readonly version: string
  readonly node: string
}

const COLUMNS: readonly Column<Version>[] = [
  { name: 'name', value: (version) => version.name },
  { name: 'version', value: (version) => version.version },
  { name: 'node', value: (version) => version.node },
]

/** The package finds itself by name, from the sources and from the compiled tree alike. */
export function programVersion(): string {
  const { version } = createRequire(import.meta.url)('flotilla/package.json') as { readonly version: string }
  return version
}

export function addVersion(parent: Command, registry: Registry): void {
  parent
    .command('version')
    .description('print the version of this program')
    .addHelpText('after', examples('flotilla version', 'flotilla version -o raw                 the number alone'))
    .action(async (_flags: object, command: Command) => {
      const version: Version = { name: 'flotilla', version: programVersion(), node: process.version }
      await printResult(registry.context, outputFormat(command.optsWithGlobals(), registry.context, 'json'), {
        document: version,
        items: [version],
        columns: COLUMNS,
        table: () => `${version.name} ${version.version} (Node ${version.node})`,
        raw: `${version.version}\n`,
      })
    })
}
