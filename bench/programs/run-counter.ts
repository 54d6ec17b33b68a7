import { monotonicMs } from '../messages.ts'
import { listen, tell } from './channel.ts'
import { Measurement } from './measurement.ts'

const tellEvery = 1_000

/**
 * Counts what a worker runs and tells the process that measures; measures from the first on.
 * @returns to be called by each task, how many of them at once
 */
export function countRuns(): (many?: number) => void {
  const measurement = new Measurement()
  let runs = 0
  listen(() => tell({ kind: 'usage', usage: measurement.end(), runs }))
  return (many = 1) => {
    if (runs === 0) {
      measurement.start()
      tell({ kind: 'first', atMs: monotonicMs() })
    }
    const before = runs
    runs += many
    if (Math.floor(before / tellEvery) !== Math.floor(runs / tellEvery))
      tell({ kind: 'runs', runs, atMs: monotonicMs() })
  }
}
