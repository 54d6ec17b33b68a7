import { strict as assert } from 'node:assert'
import { afterEach, beforeEach, describe, it, mock } from 'node:test'
import { assertEnqueued, resultBackendExam, runTask, startTesting } from 'umbel/testing'
import { app } from '../shop/app.js'
import { myResults } from '../shop/my-results.js'
import { signUp } from '../shop/sign-up.js'
import { mailbox, MailboxBusy, send } from '../shop/tasks.js'

describe('a project under node:test', () => {
  let test
  beforeEach(async () => {
    Object.assign(mailbox, { isBusy: false, sent: [] })
    test = await startTesting(app)
  })
  afterEach(async () => {
    await test.close()
  })

  it('runs a task with a context', async () => {
    const run = await runTask(send, ['ada@example.org'], { retries: 1 })

    assert.equal(run.value, 'sent to ada@example.org')
    assert.deepEqual(run.states, [{ state: 'PROGRESS', meta: { current: 1, total: 1 } }])
  })

  it('sees the retry of a task, and its failure', async () => {
    mailbox.isBusy = true

    const third = await runTask(send, ['ada@example.org'], { retries: 2 })
    const last = await runTask(send, ['ada@example.org'], { retries: 3 })

    assert.equal(third.retry.countdown, 240)
    assert.ok(last.error instanceof MailboxBusy)
  })

  it('asserts what a handler has sent', async () => {
    await signUp('ada@example.org')

    assertEnqueued(send, ['ada@example.org'], { queue: 'mail', countdown: 60, count: 1 })
    assert.throws(() => assertEnqueued(send, ['bob@example.org']), /mail\.send\('ada@example\.org'\)/)
  })

  it('runs all of it without waiting', async () => {
    mailbox.isBusy = true
    await signUp('ada@example.org')

    const first = await test.drain()
    const minute = await test.clock.advance('1m')
    mailbox.isBusy = false
    const rest = await test.clock.runAll()

    assert.deepEqual(
      [...first, ...minute, ...rest].map(({ task, state }) => `${task} ${state}`),
      ['shop.audit SUCCESS', 'mail.send RETRY', 'mail.send SUCCESS'],
    )
    assert.deepEqual(mailbox.sent, ['ada@example.org'])
  })

  it('is not held up by timers that the runner has replaced', async () => {
    mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'] })
    const other = await startTesting(app)
    try {
      const result = await other.run(() => send.applyAsync(['bob@example.org'], { countdown: '1h' }))
      await other.clock.advance('1h')

      assert.equal(await result.get(), 'sent to bob@example.org')
      assert.equal((await other.runTask(send, ['x'])).value, 'sent to x')
    } finally {
      await other.close()
      mock.timers.reset()
    }
  })
})

describe('an adapter of its own, under node:test', () => {
  const cannot = [
    'another participant sees the records, and its watches are told',
  ]
  for (const item of resultBackendExam) if (!cannot.includes(item.name)) it(item.name, () => item.run(myResults))
})
