import type { Violation } from '../checks/ledger.ts'
import { driveGlobals } from '../virtual-clock/drive.ts'
import { World, type WorldOptions } from '../world/world.ts'

// The real one: inside a run it is refused to everybody else.
const nextTurn = setImmediate
const maxSteps = 3_000_000

/** What one seed came to; data alone. */
export interface SeedReport {
  readonly seed: string
  /** Of the whole trace: equal for equal code and seed. */
  readonly hash: string
  readonly violations: readonly Violation[]
  readonly simulatedMs: number
  readonly steps: number
  readonly calls: number
  readonly accepted: number
  readonly runs: number
  readonly repeats: number
  readonly dead: number
  readonly injected: Readonly<Record<string, number>>
}

/**
 * Lives through one world. Between two virtual timers nothing runs but promises: Node runs all of them before the next turn of the event
 * loop, so one turn a timer is exact.
 */
export async function runSeed(seed: string, options: WorldOptions = {}): Promise<SeedReport> {
  const world = new World(seed, options)
  const { time, ledger, chaos } = world
  const driven = driveGlobals(seed, time.now)
  const onStray = (error: unknown): void =>
    ledger.violated('P', `unhandled: ${String((error as Error)?.stack ?? error)}`)
  const onWarning = (warning: Error): void => ledger.violated('P', `Node warns: ${warning.message}`)
  process.on('unhandledRejection', onStray)
  process.on('warning', onWarning)
  let steps = 0
  const goesOn = (): boolean => {
    if (world.isOver || ledger.violations.length >= 20) return false
    if (++steps > maxSteps) ledger.violated('L', `more than ${maxSteps} steps`)
    return steps <= maxSteps && time.step()
  }
  try {
    world.begin()
    await new Promise<void>((resolve, reject) => {
      const turn = (): void => {
        try {
          if (goesOn()) nextTurn(turn)
          else resolve()
        } catch (error) {
          reject(error as Error)
        }
      }
      nextTurn(turn)
    })
    for (const where of driven.escapes.slice(0, 3)) ledger.violated('real time', where)
  } finally {
    driven.restore()
    process.off('unhandledRejection', onStray)
    process.off('warning', onWarning)
    for (const each of world.processes()) each.forgetApp()
    world.store.stop()
  }
  const accounts = [...ledger.accounts.values()]
  return {
    seed,
    hash: world.hash(),
    violations: ledger.violations,
    simulatedMs: time.monotonic(),
    steps,
    calls: accounts.filter(({ status }) => status !== 'expected').length,
    accepted: accounts.filter(({ status }) => status === 'accepted').length,
    runs: ledger.runs,
    repeats: ledger.repeats,
    dead: accounts.reduce((count, { dead }) => count + dead.length, 0),
    injected: Object.fromEntries(chaos.injected),
  }
}
