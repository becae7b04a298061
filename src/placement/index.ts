/** The placement driver: acts while this store leads group 1. */
export { type PlacementOptions, PlacementService } from './service.ts'
export type { PlacementDefaults } from './settings.ts'
