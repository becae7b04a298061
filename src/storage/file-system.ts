/**
 * The port for files, as the segment log needs them: append, fdatasync, positioned reads, names. Adapters: the real file
 * system, and one in memory that can lose, tear and flip bytes. Paths are relative to the adapter's root directory.
 */
export interface FileSystem {
  readonly root: string
  list(directory: string): string[]
  makeDirectory(directory: string): void
  /** After a crash a file that was open for appending may end in zeros that nobody wrote. */
  open(path: string, mode: 'append' | 'read'): File
  remove(path: string): void
  rename(from: string, to: string): void
  /** Cuts the file to at most `bytes` and makes what is left of it durable before it returns. */
  truncate(path: string, bytes: number): void
  /** Makes creation, removal and renaming of names in a directory durable. */
  syncDirectory(directory: string): void
}

export interface File {
  readonly size: number
  /** Returns fewer bytes than asked for only where the file ends. */
  readSync(offset: number, length: number): Uint8Array
  /** Appends all buffers with as few system calls as possible, then makes them durable; one call at a time. */
  appendAndSync(buffers: readonly Uint8Array[], done: (error: NodeJS.ErrnoException | undefined) => void): void
  close(): void
}
