import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { assert } from 'chai'
import { checkHistory, describeCounts, type HistoryBounds } from '../../support/check-history.ts'
import { type HistoryEvent, type HistoryFact, readHistory } from '../../support/history.ts'
import { openHistory } from '../../support/history-writer.js'
import { useTempFolders } from '../../support/temp-folder.ts'

const bounds: HistoryBounds = { mode: 'at-least-once', inFlight: 12, recoveryMs: 15_000, faults: 'expected' }

describe('history checker', () => {
  describe('on a model queue of 20,000 calls and 40 kills', () => {
    it('passes a queue without bugs', () => {
      const report = checkHistory(simulate({ seed: 1 }), bounds)

      assert.deepEqual(report.problems, [])
      assert.equal(report.verdict, 'passed')
      assert.equal(report.counts.resolved, 20_000)
      assert.equal(report.counts.completed, 20_000)
      assert.isAbove(report.counts.repeats, 0)
    })

    it('finds a queue that acknowledges before the result is stored', () => {
      assertFound(simulate({ seed: 2, bug: 'acknowledge-first' }), /^lost: \d+ was accepted and never completed/)
    })

    it('finds a queue that drops one in 10,000', () => {
      assertFound(simulate({ seed: 3, bug: 'drop-one-in-10,000' }), /^lost: \d+ was accepted and never completed/)
    })

    it('finds a queue that hands one message to two workers', () => {
      assertFound(simulate({ seed: 4, bug: 'run-twice' }), /^run twice: \d+ ran again in process \d+, and no fault/)
    })

    it('finds a queue that does not say that a message was redelivered', () => {
      assertFound(
        simulate({ seed: 5, bug: 'silent-repeat' }),
        /^run twice: .* without being told that it was redelivered/,
      )
    })

    it('finds a queue whose late attempt overwrites the record', () => {
      assertFound(simulate({ seed: 6, bug: 'unfenced-record' }), /^wrong result: /)
    })

    it('finds a queue that runs a task that it refused to take', () => {
      assertFound(
        simulate({ seed: 7, bug: 'refused-but-stored' }),
        /^ghost: refused ran, although its call was refused/,
      )
    })

    it('finds a queue whose lease lasts too long', () => {
      assertFound(simulate({ seed: 8, bug: 'slow-lease' }), /^slow recovery: /)
    })

    it('holds at-most-once to one start, and lets a kill lose what was in flight', () => {
      const strict: HistoryBounds = { ...bounds, mode: 'at-most-once' }

      assert.equal(checkHistory(simulate({ seed: 9, bug: 'acknowledge-first' }), strict).verdict, 'passed')
      assert.match(checkHistory(simulate({ seed: 10 }), strict).problems[0] ?? '', /^run twice: \d+ started twice/)
    })
  })

  describe('on a history written by hand', () => {
    const call: HistoryFact[] = [
      { e: 'pub.call', id: 'a' },
      { e: 'pub.ok', id: 'a' },
    ]
    const firstRun: HistoryFact = { e: 'run.start', id: 'a', attempt: 1, redelivered: false }
    const drained: HistoryFact = { e: 'drained', waiting: 0, scheduled: 0, claimed: 0 }
    const calm: HistoryBounds = { ...bounds, faults: 'none', resultsRead: false }

    it('does not pass a run in which no fault hit work in flight', () => {
      const history = at([
        ...call,
        firstRun,
        { e: 'run.end', id: 'a', attempt: 1, v: '1' },
        { e: 'fault.on', how: 'kill', victim: 99 },
        drained,
      ])

      const report = checkHistory(history, { ...bounds, resultsRead: false })

      assert.equal(report.verdict, 'inconclusive')
      assert.deepEqual(report.problems, ['inconclusive: no fault hit work in flight'])
    })

    it('does not pass a run that nobody drained, or in which nothing was accepted, or whose results were not read', () => {
      const whole = [...call, firstRun, { e: 'run.end', id: 'a', attempt: 1, v: '1' } as const]

      assert.deepEqual(checkHistory(at(whole), calm).problems, [
        'inconclusive: nobody looked whether the queues were empty at the end',
      ])
      assert.deepEqual(checkHistory(at([drained]), calm).problems, ['inconclusive: nothing was accepted'])
      assert.deepEqual(checkHistory(at([...whole, drained]), { ...calm, resultsRead: true }).problems, [
        'inconclusive: 1 results were never read',
      ])
    })

    it('fails a run that leaves messages in the broker', () => {
      const report = checkHistory(
        at([
          ...call,
          firstRun,
          { e: 'run.end', id: 'a', attempt: 1, v: '1' },
          { ...drained, claimed: 2 } as HistoryFact,
        ]),
        calm,
      )

      assert.deepEqual(report.problems, ['left over: 2 messages are still claimed after the drain'])
    })

    it('counts a dead letter and an expired call as told, not as lost', () => {
      const history = at([
        ...call,
        { e: 'pub.call', id: 'b' },
        { e: 'pub.ok', id: 'b' },
        { e: 'dead', id: 'a', v: 'rejected' },
        { e: 'expired', id: 'b' },
        drained,
      ])

      const report = checkHistory(history, calm)

      assert.equal(report.verdict, 'passed')
      assert.match(describeCounts(report), /2 resolved, .* 1 dead letters, .* 1 expired/)
    })

    it('takes a retry for a new run, and a released run for one that may start again', () => {
      const history = at([
        ...call,
        firstRun,
        { e: 'run.end', id: 'a', attempt: 1, v: '1' },
        { e: 'run.start', id: 'a', attempt: 1, redelivered: false, retries: 1 },
        { e: 'released', id: 'a', attempt: 1 },
        { e: 'run.start', id: 'a', attempt: 1, redelivered: false, retries: 1 },
        { e: 'run.end', id: 'a', attempt: 1, v: '2' },
        drained,
      ])

      assert.deepEqual(checkHistory(history, calm).problems, [])
    })

    it('finds two valid runs of one id at one time', () => {
      const history = at([
        ...call,
        firstRun,
        { e: 'fault.on', how: 'cold-stop', victim: 1 },
        [2, { e: 'run.start', id: 'a', attempt: 2, redelivered: true }],
        [2, { e: 'run.end', id: 'a', attempt: 2, v: '2' }],
        { e: 'run.end', id: 'a', attempt: 1, v: '1' },
        drained,
      ])

      assert.deepEqual(checkHistory(history, calm).problems, [
        'overlap: a started in process 2 while its run in process 1 was still valid',
      ])
    })

    it('finds a start after the result was read, a changed record and a wait beyond its deadline', () => {
      const read = { e: 'res.read', id: 'a', state: 'SUCCESS', waitedMs: 5, deadlineMs: 10_000 } as const
      const history = at([
        ...call,
        firstRun,
        { e: 'run.end', id: 'a', attempt: 1, v: '1' },
        { ...read, v: '1' },
        { ...read, v: '2', waitedMs: 12_000 },
        { e: 'fault.on', how: 'kill', victim: 1 },
        [2, { e: 'run.start', id: 'a', attempt: 2, redelivered: true }],
        drained,
      ])

      const { problems } = checkHistory(history, calm)

      assert.deepEqual(
        problems.map((text) => text.split(':')[0]),
        ['run after its result', 'wrong result', 'wrong result', 'late'],
      )
    })

    it('finds an end without a start and an id that was used twice', () => {
      const { problems } = checkHistory(
        at([...call, ...call, { e: 'run.end', id: 'a', attempt: 1, v: '1' }, drained]),
        calm,
      )

      assert.include(problems, 'malformed history: a was called twice: ids must be used once')
      assert.include(problems, 'malformed history: a ended in process 1 without having started there')
    })

    it('finds a standstill', () => {
      const history: HistoryEvent[] = [
        { t: 0, pid: 1, e: 'pub.call', id: 'a' },
        { t: 1, pid: 1, e: 'pub.ok', id: 'a' },
        { t: 2, pid: 1, e: 'run.start', id: 'a', attempt: 1, redelivered: false },
        { t: 9_000_002, pid: 1, e: 'run.end', id: 'a', attempt: 1, v: '1' },
        { t: 9_000_003, pid: 1, e: 'drained', waiting: 0, scheduled: 0, claimed: 0 },
      ]

      assert.deepEqual(checkHistory(history, { ...calm, quietMs: 5_000 }).problems, [
        'standstill: nothing happened for 9000 ms, bound 5000 ms',
      ])
    })
  })

  describe('history files', () => {
    const tempFolder = useTempFolders()

    it('are merged by time', () => {
      const folder = tempFolder()
      const [first, second] = [openHistory(folder, 'first'), openHistory(folder, 'second')]

      first({ e: 'pub.call', id: 'a' })
      second({ e: 'run.start', id: 'a', attempt: 1, redelivered: false })
      first({ e: 'pub.ok', id: 'a' })
      first.close()
      second.close()

      assert.deepEqual(
        readHistory(folder).map((event) => event.e),
        ['pub.call', 'run.start', 'pub.ok'],
      )
    })

    it('that end in the middle of a line are refused', () => {
      const folder = tempFolder()
      writeFileSync(join(folder, 'torn.jsonl'), '{"t":1,"pid":1,"e":"pub.call","id":"a"}\n')
      appendFileSync(join(folder, 'torn.jsonl'), '{"t":2,"pi')

      assert.throws(() => readHistory(folder), /torn\.jsonl ends in the middle of a line/)
    })
  })
})

function assertFound(history: HistoryEvent[], problem: RegExp): void {
  const report = checkHistory(history, bounds)

  assert.equal(report.verdict, 'failed', describeCounts(report))
  assert.isTrue(
    report.problems.some((text) => problem.test(text)),
    `no problem matches ${problem}:\n${report.problems.join('\n')}`,
  )
}

/** Gives facts times one millisecond apart, in process 1 unless a pid stands beside them. */
function at(facts: readonly (HistoryFact | readonly [pid: number, fact: HistoryFact])[]): HistoryEvent[] {
  return facts.map((each, index) => {
    const [pid, fact] = 'e' in each ? [1, each] : each
    return { t: (index + 1) * 1000, pid, ...fact }
  })
}

type Bug =
  | 'acknowledge-first'
  | 'drop-one-in-10,000'
  | 'run-twice'
  | 'silent-repeat'
  | 'unfenced-record'
  | 'refused-but-stored'
  | 'slow-lease'

interface Message {
  readonly id: string
  attempt: number
}

/**
 * A task queue in a page, with the history it writes: two workers with four slots each take messages, run them for a few ticks and settle them;
 * every so often one is killed, and what it held comes back when its lease ends. With `bug`, it has that one.
 */
function simulate({ seed, bug }: { seed: number; bug?: Bug }): HistoryEvent[] {
  const total = 20_000
  const random = seeded(seed)
  const history: HistoryEvent[] = []
  let now = 0
  const write = (pid: number, fact: HistoryFact): void => void history.push({ t: now, pid, ...fact })
  const queue: Message[] = []
  const records = new Map<string, { value: string; attempt: number }>()
  const leases: { until: number; message: Message }[] = []
  let nextPid = 100
  const workers = [0, 1].map(() => ({
    pid: nextPid++,
    slots: [] as { message: Message; endsAt: number; ended: boolean }[],
  }))

  for (let i = 0; i < total; i++) {
    const id = String(i)
    write(1, { e: 'pub.call', id })
    write(1, { e: 'pub.ok', id })
    if (!(bug === 'drop-one-in-10,000' && i % 10_000 === 5_000)) queue.push({ id, attempt: 1 })
  }
  write(1, { e: 'pub.call', id: 'refused' })
  write(1, { e: 'pub.fail', id: 'refused' })
  if (bug === 'refused-but-stored') queue.push({ id: 'refused', attempt: 1 })

  const settle = (message: Message): void => {
    const before = records.get(message.id)
    if (before === undefined) records.set(message.id, { value: `${message.attempt}`, attempt: message.attempt })
    if (before !== undefined && bug === 'unfenced-record') before.value = `${message.attempt - 1}`
  }
  let kills = 0
  for (let tick = 0; queue.length + leases.length > 0 || workers.some((worker) => worker.slots.length > 0); tick++) {
    now += 1000
    for (let i = leases.length - 1; i >= 0; i--) {
      const lease = leases[i]
      if (lease !== undefined && lease.until <= now) {
        leases.splice(i, 1)
        queue.unshift({ ...lease.message, attempt: lease.message.attempt + 1 })
      }
    }
    for (const worker of workers) {
      // A run ends one tick before it is settled, so that a kill can fall between the two.
      worker.slots = worker.slots.filter((slot) => {
        if (slot.ended) settle(slot.message)
        else if (slot.endsAt <= now) {
          slot.ended = true
          write(worker.pid, {
            e: 'run.end',
            id: slot.message.id,
            attempt: slot.message.attempt,
            v: `${slot.message.attempt}`,
          })
          return true
        }
        return !slot.ended
      })
      while (worker.slots.length < 4 && queue.length > 0) {
        const message = queue.shift() as Message
        const isTwice = bug === 'run-twice' && random() < 0.0005
        if (isTwice) queue.unshift({ ...message })
        const redelivered = message.attempt > 1 && bug !== 'silent-repeat'
        write(worker.pid, { e: 'run.start', id: message.id, attempt: message.attempt, redelivered })
        worker.slots.push({ message, endsAt: now + 1000 * Math.ceil(random() * 4), ended: false })
      }
      if (kills < 40 && tick % 100 === 50 && worker === workers[kills % 2]) {
        kills++
        write(1, { e: 'fault.on', how: 'kill', victim: worker.pid })
        for (const slot of worker.slots) {
          if (bug === 'unfenced-record' && slot.ended) records.set(slot.message.id, { value: '1', attempt: 1 })
          if (bug !== 'acknowledge-first')
            leases.push({ until: now + (bug === 'slow-lease' ? 20_000_000 : 2_000_000), message: slot.message })
        }
        worker.slots = []
        worker.pid = nextPid++
      }
    }
  }
  for (const [id, record] of records)
    write(1, { e: 'res.read', id, state: 'SUCCESS', v: record.value, waitedMs: 0, deadlineMs: 1000 })
  write(1, { e: 'drained', waiting: 0, scheduled: 0, claimed: 0 })
  return history
}

/** Numbers from 0 to 1, the same for the same seed. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
