import { readFileSync, writeFileSync } from 'node:fs'
import { Session } from 'node:inspector'
import type { Usage } from '../messages.ts'

/** Samples of a profile, µs apart. */
const sampleEveryUs = 200

/** Measures a part of this process's life; with `BENCH_PROFILE`, which names a file, its CPU profile too. */
export class Measurement {
  readonly #profile = process.env['BENCH_PROFILE']
  #session: Session | undefined
  #before = process.cpuUsage()

  start(): void {
    if (this.#profile !== undefined) this.#startProfile()
    this.#before = process.cpuUsage()
  }

  /** What was spent since {@link start}; the profile ends. */
  end(): Usage {
    const { user, system } = process.cpuUsage(this.#before)
    this.#endProfile()
    return { cpuUs: user + system, peakMb: peakMb() }
  }

  #startProfile(): void {
    const session = new Session()
    session.connect()
    session.post('Profiler.enable')
    session.post('Profiler.setSamplingInterval', { interval: sampleEveryUs })
    session.post('Profiler.start')
    this.#session = session
  }

  #endProfile(): void {
    const path = this.#profile
    const session = this.#session
    if (path === undefined || session === undefined) return
    this.#session = undefined
    // Called back before `post` returns: the session is this thread's own.
    session.post('Profiler.stop', (error, { profile }) => {
      if (error !== null) throw error
      writeFileSync(path, JSON.stringify(profile))
    })
    session.disconnect()
  }
}

/** Linux counts the memory of the process that started this one among the most that it ever used (getrusage), but not in its status. */
function peakMb(): number {
  const kept = process.resourceUsage().maxRSS
  if (process.platform !== 'linux') return kept / 1024
  return Number(/^VmHWM:\s*(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? kept) / 1024
}
