const done = Promise.resolve()

/**
 * Runs `fn` when what runs now has ended, before anything else does. Not `queueMicrotask`: test runners replace that by one that waits to
 * be told (`jest.useFakeTimers()`), and a broker in memory would stand still.
 */
export function microtask(fn: () => void): void {
  void done.then(fn) // what `fn` throws ends the process, as an unhandled rejection
}
