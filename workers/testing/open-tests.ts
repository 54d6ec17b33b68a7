import { InvalidCall } from '../../lib/base/errors.ts'
import { ambient } from '../../lib/task/current-app.ts'
import type { Testing } from './testing.ts'

// One process may run several tests at a time, each with an app of its own.
const open: Testing[] = []

/** From now on it may be the current one. */
export function rememberTest(testing: Testing): void {
  open.push(testing)
}

export function forgetTest(testing: Testing): void {
  const index = open.indexOf(testing)
  if (index !== -1) open.splice(index, 1)
}

/**
 * The test that the caller means: that of `test.run(() => …)`, else the only one.
 * @param what the function that was called, for the error
 * @throws {InvalidCall} when there is none, or more than one
 */
export function currentTest(what: string): Testing {
  const found = currentTestIfAny(what)
  if (found !== undefined) return found
  throw new InvalidCall(`${what} needs a test: call \`const test = await startTesting(app)\` before.`)
}

/** As {@link currentTest}; undefined when there is none. @throws {InvalidCall} when there is more than one */
export function currentTestIfAny(what: string): Testing | undefined {
  const entered = ambient().running.getStore()
  const own = open.findLast(({ app }) => app === entered)
  if (own !== undefined) return own
  if (open.length > 1)
    throw new InvalidCall(
      `${what} can't tell which of ${open.length} tests is meant. Call it on what startTesting() gave, or inside test.run(() => …); ` +
        'or one of them was not closed: await test.close().',
    )
  return open[0]
}
