/**
 * Drives a simulation: one event per turn of Node's own loop, so that between two events every promise has run to its end. Immediates are
 * armed many at a time, because Node empties the queue of promises between any two of them, and a turn of the whole loop per event would
 * cost several times as much. This is the one place of a simulation that touches the real event loop.
 */
const ARMED = 2048
const realSetImmediate = setImmediate

/** Calls `step` until it answers false. */
export function runTurns(step: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let armed = 0
    let isOver = false
    const turn = (): void => {
      armed--
      if (!isOver) {
        try {
          isOver = !step()
        } catch (error) {
          // A mistake of the simulator itself; events' own errors do not come up to here.
          isOver = true
          reject(error)
        }
      }
      if (armed > 0) return
      if (isOver) resolve()
      else arm()
    }
    const arm = (): void => {
      armed = ARMED
      for (let i = 0; i < ARMED; i++) realSetImmediate(turn)
    }
    arm()
  })
}
