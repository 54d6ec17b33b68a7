import { assert } from 'chai'
import { DisabledResultBackend } from '../../../lib/result/disabled/disabled-result-backend.ts'
import { recordOf } from '../../../lib/testing/exams/broker-under-exam.ts'

describe('disabled results', () => {
  const backend = new DisabledResultBackend()

  it('takes records and keeps none', async () => {
    await backend.start()
    await backend.keep([recordOf('a')])
    await backend.forget(['a'])
    await backend.stop()
    assert.isFalse(backend.capabilities.keepsResults)
  })

  it('refuses to be asked, saying what to do', async () => {
    assert.throws(() => backend.watch('a', () => {}), /results are disabled.*resultBackend/)
    const error = await backend.fetch(['a']).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    assert.propertyVal(error, 'code', 'UMBEL_RESULTS_DISABLED')
  })
})
