/**
 * Where the page begins: the list of views, and the frame around them.
 */
import { Frame, type Section } from './app/frame.ts'
import { openOverview } from './views/overview.ts'
import { openShardMap } from './views/shard-map.ts'
import { browserWorld } from './world.ts'

const SECTIONS: readonly Section[] = [
  { view: '', name: 'Overview', shortcut: 'o', open: openOverview },
  { view: 'shards', name: 'Shard map', shortcut: 's', open: openShardMap },
]

const root = document.getElementById('console')
if (root !== null) new Frame(root, browserWorld, SECTIONS).start()
