import { assert } from 'chai'
import { formatFigure } from '../../../bench/figures.ts'
import { entry, type Measured, tables } from '../../../bench/report.ts'
import { markdownTable } from '../../../bench/table.ts'

const drain: Measured = {
  row: 'drain',
  title: 'drain a backlog',
  system: 'umbel',
  figures: ['perSecond', 'workerCpuUs'],
  target: 60_000,
  rounds: [
    { perSecond: 50_000, workerCpuUs: 20 },
    { perSecond: 70_000, workerCpuUs: 18 },
    { perSecond: 60_000, workerCpuUs: 19.123 },
  ],
}
const floor: Measured = {
  ...drain,
  system: 'sqlite',
  target: undefined,
  rounds: [{ perSecond: 100_000 }, { perSecond: 280_000 }, { perSecond: 120_000 }],
}
const idle: Measured = {
  ...drain,
  row: 'idle',
  figures: ['p50Ms'],
  target: 2.5,
  rounds: [{ p50Ms: 0.8 }],
}
const machine = {
  cpu: 'Abacus 9',
  cores: 2,
  memoryGb: 4,
  node: 'v20.19.0',
  sqlite: 'libsql',
  platform: 'linux x64',
  commit: 'abc1234',
  load: 0.1,
}

describe('report of the benchmark', () => {
  it('shows medians, the target of the first system, and its ratio to the others', () => {
    assert.equal(
      tables([drain, floor]),
      [
        '| row   | system | tasks/s | to reach | umbel / it | worker CPU µs/task |',
        '| ----- | ------ | ------: | -------: | ---------: | -----------------: |',
        '| drain | umbel  |  60,000 |   60,000 |            |               19.1 |',
        '| drain | sqlite | 120,000 |          |       0.50 |                    |',
      ].join('\n'),
    )
  })

  it('rows with other figures have a table of their own', () => {
    const [first, second] = tables([drain, idle]).split('\n\n')

    assert.include(first, 'tasks/s')
    assert.include(second, 'p50 ms')
    assert.notInclude(second, 'tasks/s')
  })

  it('an entry says on what machine, what commit and how often it was measured', () => {
    const text = entry([drain], { suite: 'embedded', day: '2026-01-31', machine, rounds: 3, n: 50_000 })

    assert.match(text, /^### 2026-01-31, embedded, commit abc1234\n\nAbacus 9, 2 cores, 4 GB, linux x64; Node v20.19.0/)
    assert.include(text, '50,000 tasks a row, medians of 3 rounds; load at the start 0.10.')
    assert.notInclude(text, 'provisional')
  })

  it('an entry from a busy machine says so', () => {
    const facts = { suite: 'embedded', day: '2026-01-31', machine: { ...machine, load: 0.6 }, rounds: 3, n: 50_000 }

    assert.include(entry([drain], facts), 'The machine was not idle (load 0.60)')
  })

  it('figures are whole when they are large, and have three digits when they are small', () => {
    assert.deepEqual([123_456.7, 100, 99.96, 8.456, 0.01234].map(formatFigure), [
      '123,457',
      '100',
      '100',
      '8.46',
      '0.0123',
    ])
    assert.equal(formatFigure(undefined), '')
  })

  it('tables stay tables when a cell is missing', () => {
    assert.equal(markdownTable(['a', 'b'], [['x']], 1), '| a   |   b |\n| --- | --: |\n| x   |     |')
  })
})
