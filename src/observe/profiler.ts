/**
 * Profiles of this process through V8's own inspector, in the formats that the developer tools of browsers open. Nothing is measured, and nothing costs
 * anything, until somebody asks. Whoever calls sees to it that there is one at a time.
 */
import { Session } from 'node:inspector/promises'
import type { Clock } from '../base/index.ts'

/** A thousand looks a second find what takes a percent of the time, and cost about that. */
const CPU_SAMPLING_US = 1_000
/** One sample per so many bytes allocated, on average. */
const HEAP_SAMPLING_BYTES = 16 * 1024

/** The JSON of a `.cpuprofile`. Rejects with the reason of `signal` when that is aborted. */
export async function takeCpuProfile(seconds: number, clock: Clock, signal: AbortSignal): Promise<string> {
  return withInspector(async (session) => {
    await session.post('Profiler.enable')
    await session.post('Profiler.setSamplingInterval', { interval: CPU_SAMPLING_US })
    await session.post('Profiler.start')
    await pause(seconds, clock, signal)
    const { profile } = await session.post('Profiler.stop')
    return JSON.stringify(profile)
  })
}

/** The JSON of a `.heapprofile`: what was allocated meanwhile, what has been collected since included. */
export async function takeHeapProfile(seconds: number, clock: Clock, signal: AbortSignal): Promise<string> {
  return withInspector(async (session) => {
    await session.post('HeapProfiler.enable')
    await session.post('HeapProfiler.startSampling', {
      samplingInterval: HEAP_SAMPLING_BYTES,
      ...({ includeObjectsCollectedByMajorGC: true, includeObjectsCollectedByMinorGC: true } as object),
    })
    await pause(seconds, clock, signal)
    const { profile } = await session.post('HeapProfiler.stopSampling')
    return JSON.stringify(profile)
  })
}

/** Disconnecting ends whatever a session has begun. */
async function withInspector(use: (session: Session) => Promise<string>): Promise<string> {
  const session = new Session()
  session.connect()
  try {
    return await use(session)
  } finally {
    session.disconnect()
  }
}

function pause(seconds: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      timer.cancel()
      reject(signal.reason)
    }
    const timer = clock.after(seconds * 1000, () => {
      signal.removeEventListener('abort', leave)
      resolve()
    })
    if (signal.aborted) leave()
    else signal.addEventListener('abort', leave, { once: true })
  })
}
