/** All faults by name; a new one is added to the list of its kind. */
import { CABLE_FAULTS } from './cable-faults.ts'
import { DISK_FAULTS } from './disk-faults.ts'
import type { Fault } from './fault.ts'
import { NETWORK_FAULTS } from './network-faults.ts'
import { OPERATOR_FAULTS } from './operator-faults.ts'
import { PROCESS_FAULTS } from './process-faults.ts'

export const FAULTS: readonly Fault[] = [
  ...PROCESS_FAULTS,
  ...NETWORK_FAULTS,
  ...CABLE_FAULTS,
  ...DISK_FAULTS,
  ...OPERATOR_FAULTS,
]
