import { statfs } from 'node:fs/promises'

/**
 * How much room the disk of a directory has, for whoever decides where data goes. Only asks; that a disk is full is noticed by the write that fails.
 */
export interface DiskSpace {
  readonly capacityBytes: number
  /** What this process may still use. */
  readonly availableBytes: number
}

/** Undefined where the file system does not say. */
export async function diskSpaceOf(directory: string): Promise<DiskSpace | undefined> {
  try {
    const { bsize, blocks, bavail } = await statfs(directory)
    return blocks > 0 ? { capacityBytes: bsize * blocks, availableBytes: bsize * bavail } : undefined
  } catch {
    // Some file systems of containers and networks know no such call; a disk that fails is noticed elsewhere.
    return undefined
  }
}
