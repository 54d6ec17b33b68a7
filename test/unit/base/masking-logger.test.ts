import { assert } from 'chai'
import type { Logger } from '../../../lib/base/logger.ts'
import { maskingLogger } from '../../../lib/base/masking-logger.ts'

function recorder(isEnabled?: boolean) {
  const lines: unknown[][] = []
  const note = (...line: unknown[]): void => void lines.push(line)
  const logger: Logger = {
    trace: note,
    debug: note,
    info: note,
    warn: note,
    error: note,
    fatal: note,
    child: (fields) => {
      note('child', fields)
      return logger
    },
    ...(isEnabled !== undefined && { isLevelEnabled: () => isEnabled }),
  }
  return { lines, logger }
}

describe('maskingLogger', () => {
  it('masks secrets in fields, messages and the fields of children', () => {
    const { lines, logger } = recorder()
    const url = 'redis://user:hunter2@host'

    const child = maskingLogger(logger).child({ token: 'hunter2' })
    child.warn({ password: 'hunter2', nested: { url }, err: new Error(url) }, `cannot reach ${url}`)

    assert.lengthOf(lines, 2)
    assert.notInclude(JSON.stringify(lines), 'hunter2')
    assert.include(JSON.stringify(lines), 'cannot reach redis://user:********@host')
  })

  it('makes nothing of a level that is not written', () => {
    const { lines, logger } = recorder(false)

    maskingLogger(logger).error({
      get expensive() {
        return assert.fail('it was looked at')
      },
    })

    assert.lengthOf(lines, 0)
  })

  it('a logger that does not tell its level gets every line', () => {
    const { lines, logger } = recorder()

    maskingLogger(logger).trace({ a: 1 })

    assert.deepEqual(JSON.parse(JSON.stringify(lines[0]![0])), { a: 1 })
  })
})
