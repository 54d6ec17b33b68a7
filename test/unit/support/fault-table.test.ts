import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { assert } from 'chai'
import { type FaultRow, faultTable, readFaults, reportedFaults, reportFault } from '../../support/fault-table.js'
import { FaultLine } from '../../support/it-survives.ts'
import { useTempFolders } from '../../support/temp-folder.ts'

const row: FaultRow = {
  fault: 'F16',
  what: 'full disk',
  accepted: 12_000,
  lost: 0,
  repeated: 3,
  recoveryMs: 412.4,
  verdict: 'passed',
}

describe('table of faults', () => {
  const tempFolder = useTempFolders()
  const before = process.env['UMBEL_TEST_FAULT_TABLE']
  afterEach(() => {
    if (before === undefined) delete process.env['UMBEL_TEST_FAULT_TABLE']
    else process.env['UMBEL_TEST_FAULT_TABLE'] = before
  })

  it('shows each row, sorted, with what failed or proved nothing marked and counted', () => {
    const lines = faultTable([
      { fault: 'F29', what: 'poison', verdict: 'failed', figures: '11 attempts' },
      row,
      { fault: 'F02', what: 'kills', verdict: 'inconclusive' },
    ])

    assert.lengthOf(lines, 5)
    assert.match(lines[0]!, /^FAULT +WHAT +ACCEPTED +LOST +REPEATED +LONGEST RECOVERY +VERDICT +FIGURES$/)
    assert.match(lines[1]!, /^F02 +kills +- +- +- +- +INCONCLUSIVE$/)
    assert.match(lines[2]!, /^F16 +full disk +12,000 +0 +3 +412 ms +passed$/)
    assert.match(lines[3]!, /^F29 +poison .* FAILED +11 attempts$/)
    assert.equal(lines[4], '1 passed, 1 failed, 1 inconclusive')
    assert.deepEqual(faultTable([]), [])
  })

  it('is kept in a file that outlives the run, where one is named', () => {
    const file = join(tempFolder('table'), 'table.jsonl')
    process.env['UMBEL_TEST_FAULT_TABLE'] = file
    const inMemory = reportedFaults().length

    reportFault(row)
    reportFault({ ...row, verdict: 'failed' })
    appendFileSync(file, '{"cut off')

    assert.deepEqual(readFaults(file), [row, { ...row, verdict: 'failed' }])
    assert.lengthOf(reportedFaults(), inMemory)
    assert.deepEqual(readFaults(`${file}-not-there`), [])
  })

  it('has a line that adds up what a test saw', () => {
    const line = new FaultLine()
    line.count({ accepted: 5, repeated: 1 })
    line.count({ accepted: 7 })
    line.recovered(30)
    line.recovered(20)
    line.figures.push('two', 'three')

    assert.deepEqual(line.row('F52: kills', true), {
      fault: 'F52',
      what: 'kills',
      accepted: 12,
      lost: 0,
      repeated: 1,
      recoveryMs: 30,
      verdict: 'passed',
      figures: 'two, three',
    })
    assert.throws(() => line.row('kills', true), /names no row/)
  })
})
