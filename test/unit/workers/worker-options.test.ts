import { assert } from 'chai'
import { Umbel } from '../../../lib/app/app.ts'
import { InvalidCall, NotSupported } from '../../../lib/base/errors.ts'
import { nodeName, resolveWorkerOptions, type WorkerOptions } from '../../../workers/worker-options.ts'

describe('resolveWorkerOptions', () => {
  const app = new Umbel('options', { broker: 'memory://', workerConcurrency: 7 }, { env: {} })
  after(() => app.close())
  const resolve = (options: WorkerOptions) => resolveWorkerOptions(options, app.settings)

  it('takes the settings for what is left out', () => {
    assert.deepInclude(resolve({}), { concurrency: 7, prefetchMultiplier: 4, excludeQueues: [], queues: undefined })
    assert.deepInclude(resolve({ concurrency: 3, prefetchMultiplier: 1 }), { concurrency: 3, prefetchMultiplier: 1 })
  })

  it('reads limits as seconds or with their unit', () => {
    assert.deepInclude(resolve({ timeLimit: 30, softTimeLimit: '500ms' }), {
      timeLimitMs: 30_000,
      softTimeLimitMs: 500,
    })
    assert.throws(() => resolve({ timeLimit: 100_000 }), InvalidCall, /did you mean milliseconds/)
  })

  it('refuses an option that is unknown, with the nearest right one', () => {
    assert.throws(() => resolve({ concurency: 3 } as WorkerOptions), InvalidCall, 'Did you mean "concurrency"?')
  })

  it('refuses wrong values', () => {
    for (const options of [
      { concurrency: 0 },
      { concurrency: 1.5 },
      { queues: 'mail' },
      { queues: [''] },
      { pool: 'fibres' },
    ])
      assert.throws(() => resolve(options as WorkerOptions), InvalidCall, undefined, JSON.stringify(options))
  })

  it('says of other pools that they are not supported yet', () => {
    for (const pool of ['threads', 'processes', 'solo'])
      assert.throws(() => resolve({ pool: pool as 'async' }), NotSupported, /not supported yet/)
  })
})

describe('nodeName', () => {
  it('writes out the abbreviations', () => {
    assert.equal(nodeName('w1@%h', 'box.example.org'), 'w1@box.example.org')
    assert.equal(nodeName('%n.%d-%%@x', 'box.example.org'), 'box.example.org-%@x')
    assert.equal(nodeName('w1', 'box'), 'w1@box')
  })

  it('refuses what is no name', () => {
    for (const pattern of ['', 'with space', 'w%x@%h', 'new\nline', 'w%'])
      assert.throws(() => nodeName(pattern, 'box'), InvalidCall, undefined, pattern)
  })
})
