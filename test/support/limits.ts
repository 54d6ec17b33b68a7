import { spawnSync } from 'node:child_process'
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Processes } from './processes.ts'

/** What a process may not go beyond. */
export interface Limits {
  /** Open file descriptors. */
  readonly descriptors?: number
  /** Largest file that it may write, in bytes: a write beyond it fails as on a full disk (EFBIG). */
  readonly fileBytes?: number
  /** Standard error goes to this file, which may lie on a full disk: `/dev/full`. */
  readonly stderrTo?: string
}

/** A command line under limits: `processes.start(...limited(limits, node, args))`. Needs a POSIX shell. */
export function limited(limits: Limits, command: string, args: readonly string[]): [string, string[]] {
  const steps: string[] = []
  // Without the trap the kernel ends the process with SIGXFSZ; blocks of `ulimit -f` are 512 bytes in a POSIX shell.
  if (limits.fileBytes !== undefined)
    steps.push("trap '' XFSZ", `ulimit -f ${Math.max(1, Math.floor(limits.fileBytes / 512))}`)
  if (limits.descriptors !== undefined) steps.push(`ulimit -n ${limits.descriptors}`)
  if (limits.stderrTo !== undefined) steps.push(`exec 2>>'${limits.stderrTo}'`)
  return ['sh', ['-c', `${[...steps, 'exec "$0" "$@"'].join(' && ')}`, command, ...args]]
}

/** A command line on a disk of its own, of that size, mounted at `folder` for it alone. Needs Linux with user namespaces, or root. */
export function onOwnDisk(
  disk: { readonly folder: string; readonly bytes: number },
  command: string,
  args: readonly string[],
): [string, string[]] {
  const shell = 'mount -t tmpfs -o size="$0" tmpfs "$1" && shift && exec "$@"'
  const asRoot = process.getuid?.() === 0 ? [] : ['--map-root-user']
  return ['unshare', [...asRoot, '--mount', 'sh', '-c', shell, String(disk.bytes), disk.folder, command, ...args]]
}

/** Whether {@link onOwnDisk} works here. */
export function canMountDisks(): boolean {
  const asRoot = process.getuid?.() === 0 ? [] : ['--map-root-user']
  const trial = 'mount -t tmpfs -o size=65536 tmpfs /mnt'
  return process.platform === 'linux' && spawnSync('unshare', [...asRoot, '--mount', 'sh', '-c', trial]).status === 0
}

/** A disk that several processes of a test share; see {@link shareDisk}. */
export interface SharedDisk {
  /** Where it is mounted, for those that run on it. */
  readonly folder: string
  /** Runs a command where the disk is there. */
  readonly wrap: (command: string, args: readonly string[]) => [string, string[]]
  /** The same folder as this process sees it. */
  readonly outside: string
  /** Leaves no byte free. */
  fill(): void
  /** Takes that back. */
  free(): void
}

/** Mounts a disk of that size at `folder`, for those alone that are started through it. Ends with the suite's processes. */
export async function shareDisk(
  processes: Processes,
  disk: { readonly folder: string; readonly bytes: number },
): Promise<SharedDisk> {
  const { folder } = disk
  const holder = processes.start(...onOwnDisk(disk, 'sh', ['-c', 'echo mounted; exec sleep 3600']))
  await holder.prints('mounted')
  const asRoot = process.getuid?.() === 0 ? [] : ['--preserve-credentials', '--user']
  const outside = `/proc/${holder.pid}/root${folder}`
  const ballast = join(outside, 'ballast')
  return {
    folder,
    outside,
    wrap: (command, args) => [
      'nsenter',
      ['--target', String(holder.pid), ...asRoot, '--mount', `--wdns=${process.cwd()}`, command, ...args],
    ],
    fill() {
      const file = openSync(ballast, 'a')
      try {
        // Ever smaller pieces, until not even a byte fits.
        for (let size = 1 << 20; size > 0; size >>= 1) {
          try {
            for (;;) writeSync(file, Buffer.alloc(size))
          } catch (error) {
            if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
          }
        }
      } finally {
        closeSync(file)
      }
    },
    free: () => rmSync(ballast),
  }
}
