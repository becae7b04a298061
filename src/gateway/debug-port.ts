/**
 * What the gateway needs to show the inside of its process: profiles and a support bundle. The composition root plugs it in; the gateway knows nothing of
 * inspectors and archives.
 */
export interface DebugPort {
  /** Where the processor spends its time, for so long, as the JSON of a `.cpuprofile`. Ends early, and rejects, when `signal` is aborted. */
  cpuProfile(seconds: number, signal: AbortSignal): Promise<string>
  /** Who allocates memory, for so long, as the JSON of a `.heapprofile`. */
  heapProfile(seconds: number, signal: AbortSignal): Promise<string>
  /** A `.tar.gz` with what somebody needs to help, without secrets and without keys and values of users. */
  bundle(signal: AbortSignal): Promise<Uint8Array>
}
