/** Everything that a row can find out. */
export const figureTitles = {
  perSecond: 'tasks/s',
  p50Ms: 'p50 ms',
  p99Ms: 'p99 ms',
  pausedP50Ms: 'p50 ms after a pause',
  pausedP99Ms: 'p99 ms after a pause',
  producerCpuUs: 'producer CPU µs/task',
  workerCpuUs: 'worker CPU µs/task',
  brokerCpuUs: 'broker CPU µs/task',
  producerMb: 'producer peak MB',
  workerMb: 'worker peak MB',
  delayP50Ms: '`delay` p50 ms',
  delayP99Ms: '`delay` p99 ms',
  bytesPerMessage: 'bytes/message',
  verified: 'results checked',
} as const

export type FigureName = keyof typeof figureTitles
export type Figures = Readonly<Partial<Record<FigureName, number>>>

/** A figure as tables show it: whole when it is large, three digits when it is small. */
export function formatFigure(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return ''
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US')
  return String(Number(value.toPrecision(3)))
}
