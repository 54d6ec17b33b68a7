import { assert } from 'chai'
import { BrokerUnavailable } from '../../../../lib/base/errors.ts'
import { silentLogger } from '../../../../lib/base/logger.ts'
import type { StoredRecord } from '../../../../lib/result/result-record.ts'
import { StateWriter } from '../../../../workers/request/state-writer.ts'
import { type LoggedLine, rememberingLogger } from '../../../support/attempts.ts'
import { StubBroker } from '../../../support/stub-broker.ts'

function record(id: string): StoredRecord {
  return { id, state: 'PROGRESS', document: '{}', contentType: 'application/json' }
}

describe('StateWriter', () => {
  it('writes what comes together in one go, and resolves when it is stored', async () => {
    const broker = new StubBroker()
    const writer = new StateWriter(broker.backend(), silentLogger)

    await Promise.all([writer.keep(record('1')), writer.keep(record('2'))])
    await writer.keep(record('3'))

    assert.deepEqual(
      broker.kept.map((records) => records.map(({ id }) => id)),
      [['1', '2'], ['3']],
    )
  })

  it('never fails a task: what can’t be stored is logged once for an outage and forgotten', async () => {
    const broker = new StubBroker()
    broker.failures.keep.push(new BrokerUnavailable('down'), new BrokerUnavailable('down'))
    const lines: LoggedLine[] = []
    const writer = new StateWriter(broker.backend(), rememberingLogger(lines))

    await writer.keep(record('1'))
    await writer.keep(record('2'))
    await writer.keep(record('3'))

    assert.deepEqual(
      lines.map(({ level }) => level),
      ['warn'],
    )
    assert.deepEqual(
      broker.kept.flat().map(({ id }) => id),
      ['3'],
    )
  })
})
