/** `flotilla completion SHELL`: a script that teaches a shell the words of this program. Made from the commands themselves; asks nobody. */
import type { Command } from 'commander'
import { UsageError, write } from '../cli/index.ts'
import { bashScript, type CommandNode, commandTree, fishScript, NAME_KINDS, zshScript } from '../completion/index.ts'
import { namesOf } from './completion-names.ts'
import { examples, type Registry, withSession } from './registry.ts'

const SCRIPTS: ReadonlyMap<string, (root: CommandNode) => string> = new Map([
  ['bash', bashScript],
  ['zsh', zshScript],
  ['fish', fishScript],
])

export function addCompletion(parent: Command, registry: Registry): void {
  parent
    .command('completion')
    .description('print a script that completes command lines in bash, zsh or fish')
    .argument('<shell>', 'bash, zsh or fish; or names, for what the scripts ask while somebody types')
    .argument('[kind]', `with names: ${NAME_KINDS.join(', ')}`)
    .addHelpText(
      'after',
      examples(
        'source <(flotilla completion bash)      now, or in ~/.bashrc',
        'flotilla completion zsh > ~/.zfunc/_flotilla',
        'flotilla completion fish > ~/.config/fish/completions/flotilla.fish',
      ),
    )
    .action(async (shell: string, kind: string | undefined, _flags: object, command: Command) => {
      if (shell === 'names') {
        await withSession(registry, command, async (session) => {
          const names = await namesOf(session, kind ?? '')
          await session.print({
            document: { names },
            items: names,
            columns: [{ name: 'name', value: (name) => name }],
            table: () => names.join('\n'),
            raw: names.map((name) => `${name}\n`).join(''),
          })
        })
        return
      }
      const script = SCRIPTS.get(shell)
      if (script === undefined) {
        throw new UsageError(`there is no completion for ${JSON.stringify(shell)}`, shell, [...SCRIPTS.keys()])
      }
      await write(registry.context.stdout, script(commandTree(parent)))
    })
}
