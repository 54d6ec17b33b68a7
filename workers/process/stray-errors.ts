import type { Logger } from '../../lib/base/logger.ts'

export interface StrayErrorsParts {
  readonly logger: Logger
  /** The task in whose asynchronous context we are, where Node can tell. */
  readonly owner: () => { readonly id: string; readonly task: string } | undefined
}

/**
 * Errors that nobody awaits or catches are logged, with the task they came from where that can be told, and survived: one task's
 * forgotten promise must not end the others. Also keeps a closed terminal or pipe from ending the process. Until disposed of.
 */
export function surviveStrayErrors({ logger, owner }: StrayErrorsParts): Disposable {
  const report = (error: unknown, what: string): void => {
    const task = owner()
    const from = task === undefined ? 'outside any task' : `in task "${task.task}" (${task.id})`
    logger.error(
      { err: error, ...task },
      `${what} ${from}. The worker goes on; await the promise or catch the error where it is made.`,
    )
  }
  const onException = (error: unknown): void => report(error, 'An uncaught exception')
  const onRejection = (error: unknown): void => report(error, 'A promise was rejected and nobody handled it,')
  const onStreamError = (): void => {} // nobody reads what we print: no reason to stop working
  process.on('uncaughtException', onException)
  process.on('unhandledRejection', onRejection)
  process.stdout.on('error', onStreamError)
  process.stderr.on('error', onStreamError)
  return {
    [Symbol.dispose]: () => {
      process.off('uncaughtException', onException)
      process.off('unhandledRejection', onRejection)
      process.stdout.off('error', onStreamError)
      process.stderr.off('error', onStreamError)
    },
  }
}
