/** One line of the table at the end of the fault tests. */
export interface FaultRow {
  /** The row of the fault matrix: `F16`. */
  readonly fault: string
  /** What was done, in a few words. */
  readonly what: string
  readonly accepted?: number | undefined
  readonly lost?: number | undefined
  readonly repeated?: number | undefined
  readonly recoveryMs?: number | undefined
  readonly verdict: 'passed' | 'failed' | 'inconclusive'
  /** What else the matrix asks for: `11 attempts, 4.2 s to quarantine`. */
  readonly figures?: string | undefined
}

/** Adds a line; it is there whatever becomes of this process afterwards, where UMBEL_TEST_FAULT_TABLE names a file. */
export function reportFault(row: FaultRow): void
/** What this run has reported, unless it went to a file. */
export function reportedFaults(): readonly FaultRow[]
export function readFaults(file: string): FaultRow[]
/** As lines of text. */
export function faultTable(rows: readonly FaultRow[]): string[]
