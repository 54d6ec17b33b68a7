import { assert } from 'chai'
import { EventEmitter } from '../../../lib/hook/event-emitter.ts'
import type { AppEventName, AppEvents } from '../../../lib/hook/hooks.ts'

function started(task: string): AppEvents['taskStarted'] {
  return { task, id: '1', hostname: 'w@h', headers: {} as never }
}

describe('EventEmitter', () => {
  let errors: [unknown, AppEventName][]
  let emitter: EventEmitter
  beforeEach(() => {
    errors = []
    emitter = new EventEmitter((error, event) => errors.push([error, event]))
  })

  it('tells listeners in the order they were added', () => {
    const told: string[] = []
    emitter.on('workerStopped', ({ hostname }) => void told.push(`first ${hostname}`))
    emitter.on('workerStopped', ({ hostname }) => void told.push(`second ${hostname}`))

    emitter.emit('workerStopped', { hostname: 'w1' })

    assert.deepEqual(told, ['first w1', 'second w1'])
  })

  it('tells a listener of one task only of that task', () => {
    const told: string[] = []
    emitter.on('taskStarted', ({ task }) => void told.push(`name ${task}`), { task: 'a' })
    emitter.on('taskStarted', ({ task }) => void told.push(`handle ${task}`), { task: { name: 'b' } })

    for (const task of ['a', 'b', 'c']) emitter.emit('taskStarted', started(task))

    assert.deepEqual(told, ['name a', 'handle b'])
  })

  it('hands what a listener throws or rejects with to the error handler and tells the others', async () => {
    const told: string[] = []
    emitter.on('workerStopped', () => {
      throw new Error('thrown')
    })
    emitter.on('workerStopped', () => Promise.reject(new Error('rejected')))
    emitter.on('workerStopped', () => void told.push('told'))

    emitter.emit('workerStopped', { hostname: 'w1' })
    await Promise.resolve()
    await Promise.resolve()

    assert.deepEqual(told, ['told'])
    assert.deepEqual(
      errors.map(([error, event]) => [(error as Error).message, event]),
      [
        ['thrown', 'workerStopped'],
        ['rejected', 'workerStopped'],
      ],
    )
  })

  it('stops telling a listener that was disposed of, or whose signal aborted, also before it was added', () => {
    const told: string[] = []
    const stop = new AbortController()
    const first = emitter.on('workerStopped', () => void told.push('disposed'))
    emitter.on('workerStopped', () => void told.push('aborted'), { signal: stop.signal })
    emitter.on('workerStopped', () => void told.push('never'), { signal: AbortSignal.abort() })

    emitter.emit('workerStopped', { hostname: 'w1' })
    first[Symbol.dispose]()
    stop.abort()
    emitter.emit('workerStopped', { hostname: 'w1' })

    assert.deepEqual(told, ['disposed', 'aborted'])
    assert.isFalse(emitter.hears('workerStopped'))
  })

  it('lets a listener remove itself while it is told', () => {
    const told: string[] = []
    const once = emitter.on('workerStopped', () => {
      told.push('once')
      once[Symbol.dispose]()
    })
    emitter.on('workerStopped', () => void told.push('always'))

    emitter.emit('workerStopped', { hostname: 'w1' })
    emitter.emit('workerStopped', { hostname: 'w1' })

    assert.deepEqual(told, ['once', 'always', 'always'])
  })

  it('waits for each listener in turn where events are awaited', async () => {
    const headers: Record<string, unknown> = {}
    emitter.on('beforePublish', async (event) => {
      await Promise.resolve()
      event.headers['tenant'] = 't1'
    })
    emitter.on('beforePublish', (event) => {
      event.headers['seen'] = event.headers['tenant']
    })
    emitter.on('beforePublish', () => Promise.reject(new Error('no')))

    await emitter.emitInTurn('beforePublish', { task: 'a', id: '1', queue: 'q', headers })

    assert.deepEqual(headers, { tenant: 't1', seen: 't1' })
    assert.lengthOf(errors, 1)
  })
})
