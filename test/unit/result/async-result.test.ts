import { assert } from 'chai'
import { type Clock, systemClock } from '../../../lib/base/clock.ts'
import { AsyncResult } from '../../../lib/result/async-result.ts'
import type { ResultAccess } from '../../../lib/result/result-access.ts'
import type { Fetched, ResultBackend } from '../../../lib/result/result-backend.ts'
import type { ResultDocument } from '../../../lib/result/result-record.ts'

/** A backend of one record, changed by hand; a clock whose only timer fires by hand. */
function stage(keepsResults = true) {
  let found: Fetched = { kind: 'absent' }
  const watchers = new Set<(found: Fetched) => void>()
  let timeout = (): void => {}
  const backend = {
    capabilities: { keepsResults, sharedByProcesses: false },
    store: 'memory:test',
    fetch: async (ids: readonly string[]) => ids.map(() => found),
    forget: async () => {
      found = { kind: 'absent' }
    },
    watch(_id: string, onChange: (found: Fetched) => void) {
      watchers.add(onChange)
      queueMicrotask(() => onChange(found))
      return () => watchers.delete(onChange)
    },
  } as unknown as ResultBackend
  const clock: Clock = {
    ...systemClock,
    timer: (_ms, fire) => {
      timeout = fire
      return () => {}
    },
  }
  const access: ResultAccess = {
    clock,
    defaultTimeoutMs: 300_000,
    backend: async () => backend,
    onClose: () => () => {},
    decode: (record) => JSON.parse(String(record.document)) as ResultDocument,
    errorOf: (document) => new Error(`rebuilt ${document.status}`),
    revoke: async () => {},
  }
  const put = (status: string, result: unknown, children: unknown[] = []): void => {
    const document = JSON.stringify({ status, result, children })
    found = { kind: 'record', record: { id: 'i', state: status, document, contentType: 'application/json' } }
    for (const watcher of [...watchers]) watcher(found)
  }
  const expire = (): void => {
    found = { kind: 'expired', state: 'SUCCESS' }
    for (const watcher of [...watchers]) watcher(found)
  }
  return { result: new AsyncResult<number>('i', access), put, expire, watchers, timeOut: () => timeout() }
}

const rejection = (promise: Promise<unknown>): Promise<Error & { code?: string }> =>
  promise.then(
    () => assert.fail('it resolved'),
    (error: Error) => error,
  )
const turns = () => new Promise((resolve) => setImmediate(resolve))

describe('AsyncResult', () => {
  it('get() resolves with a value that is there already, and with one that comes later', async () => {
    const { result, put, watchers } = stage()
    const later = result.get()
    await turns()
    put('STARTED', {})
    put('SUCCESS', 5)

    assert.equal(await later, 5)
    assert.equal(await result.get(), 5)
    await turns()
    assert.equal(watchers.size, 0)
  })

  it('get() throws the error of a failed task; outcome() gives it as a value', async () => {
    const { result, put } = stage()
    put('FAILURE', {})

    assert.equal((await rejection(result.get())).message, 'rebuilt FAILURE')
    assert.equal((await result.outcome()).kind, 'failed')
  })

  it('a wait that reaches its deadline says what is known of the task and leaves no watch', async () => {
    const { result, put, timeOut, watchers } = stage()
    const unknown = rejection(result.get({ timeout: '10s' }))
    await turns()
    timeOut()
    const started = rejection(result.get({ timeout: '10s' }))
    put('STARTED', {})
    await turns()
    timeOut()

    assert.include(await unknown, { code: 'UMBEL_TIMEOUT' })
    assert.match((await unknown).message, /10 s.*task i in memory:test.*unknown here/s)
    assert.match((await started).message, /STARTED/)
    assert.equal(watchers.size, 0)
  })

  it('an expired result is told apart from one that is not there yet', async () => {
    const { result, expire } = stage()
    const waiting = rejection(result.get())
    await turns()
    expire()

    assert.include(await waiting, { code: 'UMBEL_RESULT_EXPIRED' })
    assert.include(await rejection(result.state()), { code: 'UMBEL_RESULT_EXPIRED' })
  })

  it('an aborted wait rejects with the reason and leaves the task alone', async () => {
    const { result, watchers } = stage()
    const stop = new AbortController()
    const waiting = rejection(result.get({ signal: stop.signal }))
    await turns()
    stop.abort(new Error('enough'))

    assert.equal((await waiting).message, 'enough')
    await turns()
    assert.equal(watchers.size, 0)
  })

  it('iteration yields every state seen and ends with the outcome', async () => {
    const { result, put, watchers } = stage()
    const seen: string[] = []
    const reading = (async () => {
      for await (const update of result)
        seen.push(update.kind === 'state' ? `${update.state}:${update.meta}` : update.kind)
    })()
    await turns()
    for (const meta of [1, 2]) put('PROGRESS', meta)
    put('SUCCESS', 5)
    await reading

    assert.deepEqual(seen, ['PROGRESS:1', 'PROGRESS:2', 'succeeded'])
    assert.equal(watchers.size, 0)
  })

  it('leaving the iteration early ends its watch', async () => {
    const { result, put, watchers } = stage()
    put('PROGRESS', 1)

    for await (const update of result) if (update.kind === 'state') break

    assert.equal(watchers.size, 0)
  })

  it('state, ready, successful and info read what is stored', async () => {
    const { result, put } = stage()
    const pending = [await result.state(), await result.ready(), await result.info()]
    put('PROGRESS', { done: 1 })
    const custom = [await result.state(), await result.ready(), await result.info()]
    put('SUCCESS', 5)
    const done = [await result.state(), await result.successful(), await result.failed(), await result.info()]

    assert.deepEqual(pending, ['PENDING', false, undefined])
    assert.deepEqual(custom, ['PROGRESS', false, { done: 1 }])
    assert.deepEqual(done, ['SUCCESS', true, false, 5])
  })

  it('children come from the record; a retry that lists itself does not send graph() round in circles', async () => {
    const { result, put } = stage()
    put('SUCCESS', 5, [[['i', null], null], [['child', null], null], 'junk'])

    const children = await result.children()
    const graph = await result.graph()

    assert.deepEqual(
      children.map(({ id }) => id),
      ['i', 'child'],
    )
    assert.deepEqual(
      graph.children.map(({ id }) => id),
      ['child'],
    )
  })

  it('a backend that keeps nothing is refused with a reason instead of a wait', async () => {
    const { result } = stage(false)

    for (const asked of [result.get(), result.state(), result.info()])
      assert.include(await rejection(asked), { code: 'UMBEL_RESULTS_DISABLED' })
  })

  it('a bare number as timeout is refused, since it has no unit', async () => {
    const { result } = stage()

    assert.include(await rejection(result.get({ timeout: 10 as never })), { code: 'UMBEL_INVALID_CALL' })
  })
})
