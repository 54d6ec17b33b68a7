import { readFileSync, readlinkSync } from 'node:fs'

/** Which process of this machine something belongs to, so that others can tell whether it is still alive. */
export interface ProcessIdentity {
  readonly pid: number
  /** When it started, as the system counts; tells it from a later process of the same number. Empty where the system doesn't say. */
  readonly startedAt: string
  /** Names the run of the machine; another one means that every process of then is gone. Empty where the system doesn't say. */
  readonly bootId: string
  /** Process numbers mean something only within one (containers). Empty where the system doesn't say. */
  readonly pidNamespace: string
}

/** This process. */
export function ownIdentity(): ProcessIdentity {
  return {
    pid: process.pid,
    startedAt: statOf('self')?.startedAt ?? '',
    bootId: readOrEmpty(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()),
    pidNamespace: readOrEmpty(() => readlinkSync('/proc/self/ns/pid')),
  }
}

/**
 * True when the process is certainly gone. False when it lives and when it can't be seen from here (another container): then only its
 * lease tells.
 * @param seenBy this process' identity
 */
export function isGone(other: ProcessIdentity, seenBy: ProcessIdentity): boolean {
  if (other.bootId !== seenBy.bootId) return true
  if (other.pidNamespace !== seenBy.pidNamespace) return false
  if (other.pid === seenBy.pid) return other.startedAt !== seenBy.startedAt
  if (seenBy.startedAt === '') return !answersSignal(other.pid)
  const stat = statOf(String(other.pid))
  // A process that ended stays as a zombie until its parent looks; a parent that never does must not keep its claims.
  return stat === undefined || stat.startedAt !== other.startedAt || stat.state === 'Z' || stat.state === 'X'
}

function answersSignal(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it is there, and another user's.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Fields 3 and 22 of proc(5)'s stat; the name before them stands in brackets and may hold anything. */
function statOf(pid: string): { readonly state: string; readonly startedAt: string } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return { state: fields[0] ?? '', startedAt: fields[19] ?? '' }
  } catch {
    return undefined // not there, or no /proc on this system
  }
}

function readOrEmpty(read: () => string): string {
  try {
    return read()
  } catch {
    return '' // not told by this system
  }
}
