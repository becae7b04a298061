/** What is wrong with a configuration, as one error that names all of it. */
import { CliError, EXIT } from '../cli/index.ts'

export function configurationError(
  errors: readonly string[],
  next: readonly string[] = ['flotilla config validate FILE'],
): CliError {
  const count = errors.length === 1 ? 'one mistake' : `${errors.length} mistakes`
  const message = `the configuration has ${count}\n${errors.map((error) => `  ${error}`).join('\n')}`
  return new CliError(EXIT.usage, 'INVALID_ARGUMENT', message, next)
}
