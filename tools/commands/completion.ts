/** `flotilla completion SHELL`: a script that teaches a shell the words of this program. Made from the commands themselves; asks nobody. */
import type { Command } from 'commander'
import { UsageError, write } from '../cli/index.ts'
import { bashScript, type CommandNode, commandTree, fishScript, zshScript } from '../completion/index.ts'
import { examples, type Registry } from './registry.ts'

const SCRIPTS: ReadonlyMap<string, (root: CommandNode) => string> = new Map([
  ['bash', bashScript],
  ['zsh', zshScript],
  ['fish', fishScript],
])

export function addCompletion(parent: Command, registry: Registry): void {
  parent
    .command('completion')
    .description('print a script that completes command lines in bash, zsh or fish')
    .argument('<shell>', 'bash, zsh or fish')
    .addHelpText(
      'after',
      examples(
        'source <(flotilla completion bash)      now, or in ~/.bashrc',
        'flotilla completion zsh > ~/.zfunc/_flotilla',
        'flotilla completion fish > ~/.config/fish/completions/flotilla.fish',
      ),
    )
    .action(async (shell: string) => {
      const script = SCRIPTS.get(shell)
      if (script === undefined) {
        throw new UsageError(`there is no completion for ${JSON.stringify(shell)}`, shell, [...SCRIPTS.keys()])
      }
      await write(registry.context.stdout, script(commandTree(parent)))
    })
}
