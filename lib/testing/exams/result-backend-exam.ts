import { strict as assert } from 'node:assert'
import type { Fetched, ResultBackend } from '../../result/result-backend.ts'
import type { StoredRecord } from '../../result/result-record.ts'
import { type ExamItem, examItem, untilTrue } from './exam.ts'

/** A result backend that sits the exam, with what the examiner needs around it. Empty and started. */
export interface ResultBackendUnderExam {
  readonly backend: ResultBackend
  /** A second participant in the same store, as another process has it; stopped by `stop()`. Left out where there can be none. */
  readonly join?: (() => Promise<ResultBackend>) | undefined
  /** The backend's wall clock. */
  now(): number
  /** Lets time pass: really, or on the fake clock that the backend was given. */
  advance(ms: number): Promise<void>
  /**
   * How many times as long the times of the exam are: more than 1 where time really passes, so that a machine that stalls for a moment is
   * not taken for a backend that is wrong. @default 1
   */
  readonly pace?: number | undefined
  stop(): Promise<void>
}

/** What every {@link ResultBackend} that keeps results does. */
export const resultBackendExam: readonly ExamItem<ResultBackendUnderExam>[] = [
  examItem('an unknown id is absent', async ({ backend }) => {
    assert.deepEqual(await backend.fetch(['nobody']), [{ kind: 'absent' }])
    assert.deepEqual(await backend.fetch([]), [])
  }),

  examItem('records are fetched as they were kept, in the order asked for', async ({ backend, now }) => {
    const text = recordOf('text', { expiresAt: now() + 60_000 })
    const bytes = recordOf('bytes', { document: new Uint8Array([0, 255, 10]), contentType: 'application/x-msgpack' })
    await backend.keep([text, bytes])
    const [second, missing, first, again] = await backend.fetch(['bytes', 'nobody', 'text', 'bytes'])
    assert.deepEqual(first, { kind: 'record', record: text })
    assert.deepEqual(missing, { kind: 'absent' })
    assert.deepEqual(second, again)
    assert.equal(documentOf(second), '0,255,10')
    assert.ok(second?.kind === 'record' && second.record.document instanceof Uint8Array)
  }),

  examItem('odd ids and documents are kept as they are', async ({ backend }) => {
    const ids = ['with space', 'quote\'"', 'ä€😀', 'percent%_', '-']
    const document = 'line\n\u0000NUL \u2028 "quoted" ä€😀'
    await backend.keep(ids.map((id) => recordOf(id, { document: `${document}${id}` })))
    const found = await backend.fetch(ids)
    assert.deepEqual(
      found.map(documentOf),
      ids.map((id) => `${document}${id}`),
    )
  }),

  examItem('states that are not final overwrite each other', async ({ backend }) => {
    for (const state of ['STARTED', 'PROGRESS', 'RETRY']) await backend.keep([recordOf('a', { state })])
    assert.equal(stateOf((await backend.fetch(['a']))[0]), 'RETRY')
    await backend.keep([recordOf('a', { state: 'SUCCESS' })])
    assert.equal(stateOf((await backend.fetch(['a']))[0]), 'SUCCESS')
  }),

  ...['SUCCESS', 'FAILURE', 'REVOKED'].map((state) =>
    examItem<ResultBackendUnderExam>(`${state} is never overwritten`, async ({ backend }) => {
      await backend.keep([recordOf('a', { state, document: 'first' })])
      for (const later of ['STARTED', 'SUCCESS', 'FAILURE', 'REVOKED', 'RETRY'])
        await backend.keep([recordOf('a', { state: later, document: 'later' })])
      const [found] = await backend.fetch(['a'])
      assert.deepEqual([stateOf(found), documentOf(found)], [state, 'first'])
    }),
  ),

  examItem(
    'of two final records kept at once the first counts, and others beside them are kept',
    async ({ backend }) => {
      await backend.keep([
        recordOf('a', { document: 'first' }),
        recordOf('b'),
        recordOf('a', { state: 'FAILURE', document: 'second' }),
      ])
      const [a, b] = await backend.fetch(['a', 'b'])
      assert.deepEqual([stateOf(a), documentOf(a), stateOf(b)], ['SUCCESS', 'first', 'SUCCESS'])
    },
  ),

  examItem(
    'an expired record says that there was one, and of what state',
    async ({ backend, now, advance, pace = 1 }) => {
      await backend.keep([recordOf('a', { state: 'FAILURE', expiresAt: now() + 200 * pace }), recordOf('for-ever')])
      assert.equal(stateOf((await backend.fetch(['a']))[0]), 'FAILURE')
      await advance(300 * pace)
      const [expired, kept] = await backend.fetch(['a', 'for-ever'])
      assert.deepEqual(expired, { kind: 'expired', state: 'FAILURE' })
      assert.equal(kept?.kind, 'record')
    },
  ),

  examItem('an expired record gives way to a new one', async ({ backend, now, advance, pace = 1 }) => {
    await backend.keep([recordOf('a', { expiresAt: now() + 100 * pace })])
    await advance(200 * pace)
    await backend.keep([recordOf('a', { state: 'STARTED' })])
    assert.equal(stateOf((await backend.fetch(['a']))[0]), 'STARTED')
  }),

  examItem(
    'forgetting removes a record, and the trace of an expired one',
    async ({ backend, now, advance, pace = 1 }) => {
      await backend.keep([recordOf('a'), recordOf('b', { expiresAt: now() + 100 * pace }), recordOf('c')])
      await advance(200 * pace)
      await backend.forget(['a', 'b', 'nobody'])
      const kinds = (await backend.fetch(['a', 'b', 'c'])).map(({ kind }) => kind)
      assert.deepEqual(kinds, ['absent', 'absent', 'record'])
    },
  ),

  examItem('a watch tells what is stored already', async ({ backend }) => {
    await backend.keep([recordOf('a')])
    const seen: Fetched[] = []
    const stop = backend.watch('a', (found) => seen.push(found))
    await untilTrue('the stored record', () => seen.length > 0)
    assert.deepEqual(seen, [{ kind: 'record', record: recordOf('a') }])
    stop()
  }),

  examItem('a watch tells what is stored later, and the final state last', async ({ backend }) => {
    const seen: string[] = []
    const stop = backend.watch('a', (found) => seen.push(stateOf(found)))
    await backend.keep([recordOf('a', { state: 'STARTED' })])
    await backend.keep([recordOf('other')])
    await untilTrue('the first state', () => seen.includes('STARTED'))
    await backend.keep([recordOf('a', { state: 'SUCCESS' })])
    await untilTrue('the final state', () => seen.at(-1) === 'SUCCESS')
    assert.deepEqual(
      seen.filter((state) => state !== 'absent'),
      ['STARTED', 'SUCCESS'],
    )
    stop()
  }),

  examItem('a watch of an expired record says so', async ({ backend, now, advance, pace = 1 }) => {
    await backend.keep([recordOf('a', { expiresAt: now() + 100 * pace })])
    await advance(200 * pace)
    const seen: Fetched[] = []
    const stop = backend.watch('a', (found) => seen.push(found))
    await untilTrue('the expired record', () => seen.length > 0)
    assert.deepEqual(seen, [{ kind: 'expired', state: 'SUCCESS' }])
    stop()
  }),

  examItem('a stopped watch is silent, others of the same id go on', async ({ backend }) => {
    const seen: string[] = []
    const stopFirst = backend.watch('a', () => seen.push('first'))
    const stopSecond = backend.watch('a', (found) => found.kind === 'record' && seen.push('second'))
    stopFirst()
    stopFirst()
    await backend.keep([recordOf('a')])
    await untilTrue('the second watch', () => seen.length > 0)
    assert.deepEqual(seen, ['second'])
    stopSecond()
  }),

  examItem('a watch may be stopped from its own callback', async ({ backend }) => {
    let calls = 0
    const stop = backend.watch('a', () => {
      calls++
      stop()
    })
    await backend.keep([recordOf('a', { state: 'STARTED' })])
    await untilTrue('the call', () => calls > 0)
    await backend.keep([recordOf('a')])
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(calls, 1)
  }),

  examItem('a thousand watches each get their own result', async ({ backend }) => {
    const ids = Array.from({ length: 1_000 }, (_, index) => `t${index}`)
    const seen = new Map<string, string>()
    await backend.keep(ids.slice(0, 300).map((id) => recordOf(id)))
    const stops = ids.map((id) => backend.watch(id, (found) => seen.set(id, documentOf(found))))
    await backend.keep(ids.slice(300).map((id) => recordOf(id)))
    await untilTrue('all results', () => seen.size === ids.length)
    for (const id of ids) assert.equal(seen.get(id), `{"of":"${id}"}`)
    for (const stop of stops) stop()
  }),

  examItem('another participant sees the records, and its watches are told', async ({ backend, join }) => {
    if (join === undefined) throw new Error('This needs a store that several share.')
    const other = await join()
    const seen: string[] = []
    const stop = other.watch('a', (found) => seen.push(stateOf(found)))
    await backend.keep([recordOf('a')])
    await untilTrue('the record', () => seen.includes('SUCCESS'))
    assert.equal(stateOf((await other.fetch(['a']))[0]), 'SUCCESS')
    stop()
  }),

  examItem('a stopped backend refuses everything as closed, and stops twice', async ({ backend, join }) => {
    const other = join === undefined ? backend : await join()
    await other.stop()
    await other.stop()
    const closed = { code: 'UMBEL_CLOSED' }
    await assert.rejects(other.keep([recordOf('a')]), closed)
    await assert.rejects(other.fetch(['a']), closed)
    await assert.rejects(other.forget(['a']), closed)
    assert.throws(() => other.watch('a', () => {}), closed)
  }),
]

function recordOf(id: string, more: Partial<StoredRecord> = {}): StoredRecord {
  return { id, state: 'SUCCESS', document: `{"of":"${id}"}`, contentType: 'application/json', ...more }
}

function stateOf(found: Fetched | undefined): string {
  if (found?.kind === 'record') return found.record.state
  return found?.kind ?? 'undefined'
}

function documentOf(found: Fetched | undefined): string {
  return found?.kind === 'record' ? String(found.record.document) : `(${found?.kind})`
}
