import { readdirSync, readFileSync } from 'node:fs'
import { until } from './until.ts'

/** What `/proc` says of a process. */
export interface ProcessState {
  readonly pid: number
  readonly parent: number
  /** `R` runs, `S` sleeps, `T` is stopped, `Z` is dead and not yet reaped. */
  readonly state: string
}

/** Of one process; undefined when there is none of that number. Linux only. */
export function processState(pid: number): ProcessState | undefined {
  try {
    // The name in parentheses may hold anything, so what counts stands after the last one.
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [state, parent] = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return { pid, parent: Number(parent), state: state! }
  } catch {
    return undefined
  }
}

/** True when nothing of it runs any more; one that is dead and not yet reaped does not. */
export function isDead(pid: number): boolean {
  const found = processState(pid)
  return found === undefined || found.state === 'Z'
}

/** Its children, theirs, and so on; not itself. */
export function descendantsOf(pid: number): number[] {
  const all = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (processState(Number(name)) ?? []) : []))
  const found: number[] = []
  for (let parents = [pid]; parents.length > 0; ) {
    parents = all.filter(({ parent }) => parents.includes(parent)).map((each) => each.pid)
    found.push(...parents)
  }
  return found
}

/** Stops processes in their tracks (SIGSTOP) and lets them go on (SIGCONT). */
export interface Freezer {
  /** Resolves when all of it stands still: the process and, unless told otherwise, what it has started. What it gives thaws it. */
  freeze(pid: number, options?: { alone?: boolean }): Promise<() => void>
  /** Whatever is frozen still goes on. */
  thawAll(): void
}

/** For one suite: call in the body of a `describe`. Everything is thawed after each test, whatever became of it. */
export function useFreezer(): Freezer {
  const frozen = new Set<number>()
  const thaw = (pids: readonly number[]): void => {
    // Children first: the parent must not wake up alone.
    for (const pid of [...pids].reverse()) if (frozen.delete(pid)) send(pid, 'SIGCONT')
  }
  const thawAll = (): void => thaw([...frozen])
  afterEach(thawAll)
  return {
    async freeze(pid, options = {}) {
      frozen.add(pid)
      send(pid, 'SIGSTOP')
      await standsStill(pid)
      // Only now can it start no more.
      const pids = [pid, ...(options.alone === true ? [] : descendantsOf(pid))]
      for (const child of pids.slice(1)) {
        frozen.add(child)
        send(child, 'SIGSTOP')
        await standsStill(child)
      }
      return () => thaw(pids)
    },
    thawAll,
  }
}

async function standsStill(pid: number): Promise<void> {
  await until(() => isDead(pid) || processState(pid)?.state === 'T', { what: `process ${pid} to stand still` })
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
