import { standOn, Umbel } from '../../lib/app/app.ts'
import type { ResolvedSettings } from '../../lib/app/config.ts'
import { systemClock } from '../../lib/base/clock.ts'
import { InvalidCall } from '../../lib/base/errors.ts'
import { type Logger, silentLogger } from '../../lib/base/logger.ts'
import { maskingLogger } from '../../lib/base/masking-logger.ts'
import { FakeClock } from '../../lib/testing/fake-clock.ts'
import { CallLog } from './call-log.ts'
import { Gate } from './gate.ts'
import { forgetTest, rememberTest } from './open-tests.ts'
import { TestConnections } from './test-connections.ts'
import { TestWorkers } from './test-workers.ts'
import { Testing } from './testing.ts'

export interface TestingOptions {
  /** When the test's clock starts. @default now */
  startsAt?: Date | undefined
  /** @default the one in the app's settings, else none */
  logger?: Logger | undefined
  /** Tasks that run at a time. @default `workerConcurrency` */
  concurrency?: number | undefined
  /** Folder that relative paths in the app's `imports` count from. @default the current one */
  importsFrom?: string | undefined
}

/**
 * Puts an app on memory and on a clock that stands still, and makes it the current one for shared tasks, until `close()`. Its broker and
 * its results are never asked for; its tasks, routes, hooks and other settings stay as they are. Loads its `imports`, as a worker does.
 * @param app left out, an app for shared tasks alone
 * @throws {LoadFailed, InvalidCall}
 */
export async function startTesting(app?: Umbel, options: TestingOptions = {}): Promise<Testing> {
  const { testing, workers } = openTesting(app, options)
  try {
    await workers.start()
  } catch (error) {
    await testing.close()
    throw error
  }
  rememberTest(testing)
  return testing
}

/** As {@link startTesting}, but that nothing is loaded or started, and that it is no test for those who look for the current one. */
export function openTesting(given: Umbel | undefined, options: TestingOptions = {}) {
  const app = given ?? new Umbel('test', { broker: 'memory:' }, { env: {} })
  if (typeof (app as Partial<Umbel>)[standOn] !== 'function')
    throw new InvalidCall('startTesting() takes the app to be tested: await startTesting(app).')
  const { startsAt, concurrency, importsFrom } = options
  const clock = new FakeClock(startsAt === undefined ? systemClock.now() : startsAt.getTime())
  const settings = testSettings(app.settings)
  const logger = maskingLogger(options.logger ?? settings.logger ?? silentLogger)
  const gate = new Gate()
  const log = new CallLog(app)
  const connections = new TestConnections({ settings, clock, logger }, log, gate)
  // Jitter is the longest that it can be, so that a test knows when a retry is due.
  const leave = app[standOn]({ settings, clock, logger, random: () => 1 - Number.EPSILON, connections })
  const workers = new TestWorkers({ app, clock, gate, concurrency, importsFrom })
  const onClosed = async (): Promise<void> => {
    forgetTest(testing)
    await leave()
    if (given === undefined) await app.close()
  }
  const testing = new Testing({ app, clock, log, workers, onClosed })
  return { testing, workers }
}

/** An app's own settings, but for where it is connected and what would keep tasks from a worker. */
function testSettings(settings: ResolvedSettings): ResolvedSettings {
  return {
    ...settings,
    brokerUrl: 'memory:',
    brokerIsDefault: false,
    resultBackend: settings.resultBackend.startsWith('disabled:') ? settings.resultBackend : 'memory:',
    taskAlwaysEager: false,
    workerSoftShutdownTimeoutMs: 0,
  }
}
