import { join } from 'node:path'
import { silentLogger } from '../../lib/base/logger.ts'
import { type Settings, Umbel } from '../../lib/index.ts'
import { Worker } from '../../workers/worker.ts'
import type { WorkerOptions } from '../../workers/worker-options.ts'
import { needRedis, useSharedRedis } from './servers.ts'
import { useTempFolders } from './temp-folder.ts'

/** What a flow test builds on: apps over one fresh store, and workers; all are closed after each test. */
export interface Flow {
  /** `memory:`, `sqlite:` or `redis:`. */
  readonly broker: string
  /** An app over this test's store. Every app of one test is over the same one, as programs that share a broker. */
  app(settings?: Settings): Umbel
  /** A started worker. */
  worker(app: Umbel, options?: WorkerOptions): Promise<Worker>
  /** Stops a worker before the test ends. */
  stop(worker: Worker): Promise<void>
}

const needed = needRedis()

/** Describes one story, once for each broker. */
export function story(title: string, tell: (flow: Flow) => void): void {
  for (const broker of ['memory:', 'sqlite:', 'redis:']) {
    describe(`${title} (${broker})`, () => tell(useFlow(broker)))
  }
}

function useFlow(broker: string): Flow {
  const apps: Umbel[] = []
  const workers: Worker[] = []
  let url: string | undefined
  let stores = 0
  afterEach(async () => {
    for (const worker of workers.splice(0).reverse()) await worker.stop()
    for (const app of apps.splice(0).reverse()) await app.close()
    url = undefined
  })
  // After the hook above, so that files are removed when nobody has them open.
  const tempFolder = useTempFolders()
  const redis = broker === 'redis:' ? useSharedRedis(needed) : undefined
  const freshUrl = (): string => {
    if (redis !== undefined) return redis.freshUrl()
    if (broker === 'memory:') return `memory://flow-${++stores}-${process.pid}`
    return `sqlite://${join(tempFolder('flow'), 'store.db')}`
  }
  return {
    broker,
    app(settings = {}) {
      url ??= freshUrl()
      const app = new Umbel(`flow-${apps.length + 1}`, { broker: url, logger: silentLogger, ...settings })
      apps.push(app)
      return app
    },
    async worker(app, options) {
      const worker = new Worker(app, options)
      workers.push(worker)
      await worker.start()
      return worker
    },
    async stop(worker) {
      workers.splice(workers.indexOf(worker), 1)
      await worker.stop()
    },
  }
}
