import { Umbel } from '../../lib/app/app.ts'
import type { Settings } from '../../lib/app/config.ts'
import { type Logger, silentLogger } from '../../lib/base/logger.ts'
import type { Outgoing } from '../../lib/broker/broker.ts'
import { decodeBody, readMessage } from '../../lib/message/read-message.ts'
import type { TaskBody, TaskHeaders } from '../../lib/message/task-message.ts'
import type { StoredRecord } from '../../lib/result/result-record.ts'
import type { AttemptParts } from '../../lib/run/attempt-parts.ts'
import type { Job } from '../../lib/run/job.ts'
import { type CallInput, makeCall } from '../../lib/task/make-call.ts'
import { FakeClock } from '../../lib/testing/fake-clock.ts'

/** One line that was logged. */
export interface LoggedLine {
  readonly level: string
  readonly fields: Readonly<Record<string, unknown>>
  readonly message: string
}

/** A logger that remembers. */
export function rememberingLogger(lines: LoggedLine[], bound: object = {}): Logger {
  const at =
    (level: string) =>
    (fields: object, message = ''): void =>
      void lines.push({ level, fields: { ...bound, ...fields }, message })
  return {
    ...silentLogger,
    isLevelEnabled: () => true,
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => rememberingLogger(lines, { ...bound, ...fields }),
  }
}

/** An app whose tasks are attempted without broker and worker. */
export interface AttemptBench {
  readonly app: Umbel
  readonly clock: FakeClock
  readonly parts: AttemptParts
  /** States that were stored. */
  readonly kept: StoredRecord[]
  readonly lines: LoggedLine[]
  /** What a worker would be given of this call. */
  job(task: string, args?: readonly unknown[], options?: CallInput, more?: Partial<Job>): Job
}

/** For one test: closes the app by itself when awaited with `await using`, or by `bench.app.close()`. */
export async function attemptBench(settings: Settings = {}): Promise<AttemptBench> {
  const clock = new FakeClock()
  const lines: LoggedLine[] = []
  const kept: StoredRecord[] = []
  const logger = rememberingLogger(lines)
  const app = new Umbel('bench', { broker: 'memory://', logger, ...settings }, { clock, env: {} })
  await app.parts.loadSerializers()
  const parts: AttemptParts = {
    ...app.attemptParts(),
    random: () => 0.5,
    isEager: false,
    keepRecord: async (record) => void kept.push(record),
  }
  return {
    app,
    clock,
    parts,
    kept,
    lines,
    job(task, args = [], options = {}, more = {}) {
      const around = { defaults: app.callDefaults, now: clock.now() }
      const { message, route } = app.parts.publisher.prepare(makeCall({ name: task }, args, options, around))
      const { headers } = readMessage(message, parts.policy)
      const { routingKey: queue } = route
      return { headers, message, queue, route, redelivered: false, attempt: 1, hostname: 'w1@test', ...more }
    },
  }
}

/** A message on its way out, read as its worker will read it. */
export function readOutgoing(
  { message }: Outgoing,
  { policy }: AttemptParts,
): { headers: TaskHeaders; body: TaskBody } {
  return { headers: readMessage(message, policy).headers, body: decodeBody(message, policy) }
}
