export interface Regression {
  readonly found: string
  /** The planted bug, of `test/simulation/planted-bugs`, over which this seed must still fall. */
  readonly plant: string
}

/** Seeds that once found something. They are run with every test, without the bug and with it: a workload that changes moves them. */
export const regressions: Readonly<Record<string, Regression>> = {
  7: { plant: 'stop-leaves-timers', found: 'the timers of a stop went on after the worker had stopped' },
  18: {
    plant: 'no-second-look',
    found: 'a task with acksLate off ran although it had expired, or was revoked, while it was acknowledged',
  },
  43: { plant: 'cold-stop-leaves-claim', found: 'a cold stop did not wait for a claim under way' },
  101: { plant: 'outage-warns', found: 'eleven batches that waited for the end of an outage made Node warn of a leak' },
}
