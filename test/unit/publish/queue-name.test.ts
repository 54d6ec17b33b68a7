import { assert } from 'chai'
import { queueNameProblem } from '../../../lib/publish/queue-name.ts'

describe('queue names', () => {
  it('may be any text that a terminal can show', () => {
    for (const name of ['celery', 'a.b-c_d', 'Grüße', 'x'.repeat(255), 'with space', '{hash}tag'])
      assert.isUndefined(queueNameProblem(name), name)
  })

  for (const [wrong, why] of [
    ['', 'empty'],
    [undefined, 'empty'],
    [5, 'empty'],
    ['a\nb', 'control'],
    ['a\u0006\u00163', 'control'],
    ['\u001b[31m', 'control'],
    ['a\u009b', 'control'],
    ['a\u2028b', 'control'],
    ['x'.repeat(256), '255 bytes'],
    ['ü'.repeat(128), '255 bytes'],
    ['\ud800', 'Unicode'],
  ] as const)
    it(`refuses ${JSON.stringify(wrong)?.slice(0, 30)}`, () => {
      assert.include(queueNameProblem(wrong), why)
    })
})
