import type { HistoryReport } from './check-history.ts'
import { type FaultRow, reportFault } from './fault-table.js'

/** What a fault test has seen so far, for its line of the table. */
export class FaultLine {
  accepted: number | undefined
  lost: number | undefined
  repeated: number | undefined
  recoveryMs: number | undefined
  readonly figures: string[] = []
  isInconclusive = false

  /** Adds what the checker found. */
  add({ counts, verdict }: HistoryReport): void {
    this.count({ accepted: counts.resolved, lost: counts.lost, repeated: counts.repeats })
    this.recovered(Math.max(counts.longestRecoveryMs, counts.longestResumeMs))
    this.isInconclusive ||= verdict === 'inconclusive'
  }

  count({ accepted = 0, lost = 0, repeated = 0 }: { accepted?: number; lost?: number; repeated?: number }): void {
    this.accepted = (this.accepted ?? 0) + accepted
    this.lost = (this.lost ?? 0) + lost
    this.repeated = (this.repeated ?? 0) + repeated
  }

  recovered(ms: number): void {
    this.recoveryMs = Math.max(this.recoveryMs ?? 0, ms)
  }

  /** @param what the row of the matrix and a few words: `F16: the disk is full` */
  row(what: string, isPassed: boolean): FaultRow {
    const [, fault = '', words = ''] = /^(F\d+): (.*)$/s.exec(what) ?? []
    if (fault === '') throw new Error(`"${what}" names no row of the fault matrix; write it as "F16: the disk is full"`)
    const { accepted, lost, repeated, recoveryMs } = this
    const verdict = isPassed ? 'passed' : this.isInconclusive ? 'inconclusive' : 'failed'
    return { fault, what: words, accepted, lost, repeated, recoveryMs, verdict, figures: this.figures.join(', ') }
  }
}

/** A test of one fault, which puts its line into the table at the end of the run: also when it fails, which is never tried again. */
export function itSurvives(
  fault: string,
  promise: string,
  body: (this: Mocha.Context, line: FaultLine) => Promise<void>,
): void {
  new FaultLine().row(fault, true) // its name is right
  it(`${promise} (${fault})`, async function () {
    this.retries(0)
    const line = new FaultLine()
    try {
      await body.call(this, line)
    } catch (error) {
      // Mocha's way of skipping is an exception.
      if (!(error instanceof Error && error.name === 'Pending')) reportFault(line.row(fault, false))
      throw error
    }
    reportFault(line.row(fault, true))
  })
}
