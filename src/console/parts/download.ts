/**
 * Files out of the console. They are fetched like everything else, because a plain link could carry no token.
 */
import { asFailure } from '../api/client.ts'
import type { Context } from '../app/page.ts'
import type { VirtualNode } from '../dom/node.ts'
import { button } from './pieces.ts'

export function downloadButton(words: string, path: string, name: string, context: Context): VirtualNode {
  return button(words, () => void download(path, name, context))
}

async function download(path: string, name: string, context: Context): Promise<void> {
  try {
    const { answer, bytes } = await context.client.bytes(path)
    const url = URL.createObjectURL(new Blob([bytes], { type: answer.headers.get('Content-Type') ?? '' }))
    const anchor = document.createElement('a')
    anchor.href = url
    anchor.download = name
    anchor.click()
    URL.revokeObjectURL(url)
  } catch (error) {
    context.tell(asFailure(error).message)
  }
}
