/** Seeds that once found something, and what. They are run with every test; a seed says nothing any more when the workload changes. */
export const regressions: Readonly<Record<string, string>> = {
  7: 'the timers of a stop went on after the worker had stopped',
  11: 'a cold stop did not wait for a claim under way',
  18: 'a task with acksLate off ran although it had expired, or was revoked, while it was acknowledged',
  101: 'eleven batches that waited for the end of an outage made Node warn of a leak',
}
