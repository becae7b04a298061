/**
 * Light or dark: what the system prefers, unless somebody chose.
 */
import type { World } from '../world.ts'

export type Theme = 'system' | 'light' | 'dark'

const NAME = 'flotilla.theme'
const NEXT: Readonly<Record<Theme, Theme>> = { system: 'light', light: 'dark', dark: 'system' }

export function chosenTheme(world: World): Theme {
  const text = world.memory.getItem(NAME)
  return text === 'light' || text === 'dark' ? text : 'system'
}

export function applyTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme
}

export function nextTheme(world: World): Theme {
  const theme = NEXT[chosenTheme(world)]
  if (theme === 'system') world.memory.removeItem(NAME)
  else world.memory.setItem(NAME, theme)
  applyTheme(theme)
  return theme
}
