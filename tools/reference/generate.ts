/** `npm run reference`: writes the reference pages into the repository. */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { referencePages } from './pages.ts'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..')
for (const [name, text] of referencePages()) {
  const file = path.join(root, name)
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, text)
  process.stdout.write(`${name}\n`)
}
