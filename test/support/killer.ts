import { isDead } from './freezer.ts'
import { until } from './until.ts'

/** Numbers from 0 up to, not including, 1, the same for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    // mulberry32
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The seed of this run: UMBEL_TEST_SEED, or one that nobody chose. A test prints it, so that its moments can be had again. */
export function seedOfRun(): number {
  const given = Number(process.env['UMBEL_TEST_SEED'])
  return Number.isSafeInteger(given) && process.env['UMBEL_TEST_SEED'] !== undefined
    ? given
    : Math.floor(Math.random() * 2 ** 31)
}

/** When to kill, each counted from the one before, ms. */
export interface KillPlan {
  readonly seed: number
  readonly count: number
  readonly fromMs: number
  readonly toMs: number
}

/** The moments of a plan: the same for the same seed. */
export function killMoments({ seed, count, fromMs, toMs }: KillPlan): number[] {
  const random = seededRandom(seed)
  return Array.from({ length: count }, () => fromMs + random() * (toMs - fromMs))
}

/** A process that can be killed: a StartedProcess, or a pid alone. */
export type Victim = number | { readonly pid: number }

/** Kills one process and resolves when nothing of it runs any more. @returns false when it had ended before */
export async function killForReal(victim: Victim, signal: NodeJS.Signals = 'SIGKILL'): Promise<boolean> {
  const pid = typeof victim === 'number' ? victim : victim.pid
  if (pid <= 1) throw new Error(`${pid} is not the pid of a process to kill`)
  const wasAlive = !isDead(pid)
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    return false
  }
  await until(() => isDead(pid), { what: `process ${pid} to be dead after ${signal}` })
  return wasAlive
}

/** Goes through a plan: at each moment kills whoever `next` names, if anybody, and tells. */
export async function killByPlan(
  plan: KillPlan,
  next: (kill: number) => Promise<Victim | undefined>,
  onKilled: (kill: number, wasAlive: boolean) => void | Promise<void> = () => {},
): Promise<void> {
  for (const [kill, ms] of killMoments(plan).entries()) {
    const victim = await next(kill)
    await new Promise((resolve) => setTimeout(resolve, ms))
    if (victim !== undefined) await onKilled(kill, await killForReal(victim))
  }
}
