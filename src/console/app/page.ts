/**
 * What a view is to the frame around it, and what it gets from that frame.
 */
import type { Client } from '../api/client.ts'
import type { Child } from '../dom/node.ts'
import type { World } from '../world.ts'
import type { Dialogs } from './dialogs.ts'
import type { Readings } from './readings.ts'
import type { Route } from './route.ts'

export interface Context {
  readonly client: Client
  readonly world: World
  readonly dialogs: Dialogs
  readonly readings: Readings
  /** Where the gateway is, for command lines. */
  readonly endpoint: string
  redraw(): void
  /** Follows a link. */
  go(link: string): void
  /** Changes the link without leaving the view. */
  rename(link: string): void
  /** A few words at the edge of the page. */
  tell(words: string): void
}

export interface Page {
  readonly title: string
  render(): Child
  /** Fetches anew what is shown. Failures are shown, not thrown. */
  refresh(): Promise<void>
  close?(): void
}

export type OpenPage = (context: Context, route: Route) => Page
