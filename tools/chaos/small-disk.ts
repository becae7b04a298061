/** A small disk of its own, which can be filled and freed. Needs the right to mount; where that is missing there is none, and the run says so. */
import { spawnSync } from 'node:child_process'
import { rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const DISK_MIB = 96

export const NO_SMALL_DISK = 'this user may not mount a tmpfs, so no disk can be filled'

export class SmallDisk {
  readonly #mountPoint: string

  private constructor(mountPoint: string) {
    this.#mountPoint = mountPoint
  }

  /** On an empty folder, which is removed where nothing may be mounted. */
  static mount(mountPoint: string): SmallDisk | undefined {
    const words = ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'tmpfs', mountPoint]
    if (process.platform === 'linux' && spawnSync('mount', words).status === 0) return new SmallDisk(mountPoint)
    rmdirSync(mountPoint)
    return undefined
  }

  folder(name: string): string {
    return path.join(this.#mountPoint, name)
  }

  /** Takes all room but `leftBytes`. */
  fill(leftBytes: number): void {
    const { bavail, bsize } = statfsSync(this.#mountPoint)
    writeFileSync(this.#ballast, Buffer.alloc(Math.max(0, bavail * bsize - leftBytes)))
  }

  free(): void {
    rmSync(this.#ballast, { force: true })
  }

  unmount(): void {
    if (spawnSync('umount', [this.#mountPoint]).status === 0) rmdirSync(this.#mountPoint)
  }

  get #ballast(): string {
    return path.join(this.#mountPoint, 'ballast')
  }
}
