import type { Report, Request } from '../messages.ts'

/** Tells the process that measures. */
export function tell(report: Report): void {
  process.send?.(report)
}

/** Answers requests, and ends this process with the one that measures. The channel keeps nobody alive. */
export function listen(onRequest: (request: Request) => void): void {
  process.on('message', onRequest)
  process.on('disconnect', () => process.exit(1))
  process.channel?.unref()
}

/** What this process was told to do. */
export function job<T>(): T {
  return JSON.parse(process.argv[2] ?? '{}') as T
}
