/** `flotilla config`: settings of a running cluster (in files beside this one), and `validate FILE`: everything that is wrong with a configuration, without starting anything. */
import type { Command } from 'commander'
import { type Column, outputFormat, printResult, write } from '../cli/index.ts'
import { addConfigDiff } from './config-diff.ts'
import { addConfigSettings } from './config-settings.ts'
import { configurationError } from './configuration-error.ts'
import { examples, type Registry } from './registry.ts'

interface Validation {
  readonly file: string
  readonly ok: true
  readonly warnings: readonly string[]
}

const COLUMNS: readonly Column<Validation>[] = [
  { name: 'file', value: (validation) => validation.file },
  { name: 'ok', value: (validation) => validation.ok },
  { name: 'warnings', value: (validation) => validation.warnings.join('; ') },
]

export function addConfig(parent: Command, registry: Registry): void {
  const config = parent.command('config').description('show, change and check the configuration')
  addConfigSettings(config, registry)
  addConfigDiff(config, registry)
  config
    .command('validate')
    .description('check a configuration file; the environment is left out')
    .argument('<file>', 'YAML or JSON')
    .addHelpText('after', examples('flotilla config validate flotilla.yaml'))
    .action(async (file: string, _flags: object, command: Command) => {
      const format = outputFormat(command.optsWithGlobals(), registry.context, 'json')
      // Only commands that need the schema pay for loading it.
      const { loadConfig } = await import('../../src/server/config/index.ts')
      const result = loadConfig({ file, env: {} })
      if (!result.ok) throw configurationError(result.errors)
      const { warnings } = result
      const validation: Validation = { file, ok: true, warnings }
      await printResult(registry.context, format, {
        document: validation,
        items: [validation],
        columns: COLUMNS,
        table: () => `${file} is valid`,
        raw: `${file} is valid\n`,
      })
      for (const warning of warnings) await write(registry.context.stderr, `warning: ${warning}\n`)
    })
}
