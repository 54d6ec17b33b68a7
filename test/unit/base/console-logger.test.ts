import { assert } from 'chai'
import { consoleLogger } from '../../../lib/base/console-logger.ts'
import type { LogLevel } from '../../../lib/base/logger.ts'
import { FakeClock } from '../../../lib/testing/fake-clock.ts'

function capture(options: { pretty?: boolean; colour?: boolean; level?: LogLevel; isTTY?: boolean } = {}) {
  const written: string[] = []
  const stream = { isTTY: options.isTTY, write: (text: string) => written.push(text) }
  return { logger: consoleLogger({ ...options, stream, clock: new FakeClock(Date.UTC(2030, 0, 1, 12)) }), written }
}

describe('consoleLogger', () => {
  it('writes JSON lines that pino tools read', () => {
    const { logger, written } = capture()

    logger.warn({ queue: 'mail' }, 'slow')

    assert.deepEqual(JSON.parse(written.join('')), {
      level: 40,
      time: Date.UTC(2030, 0, 1, 12),
      pid: process.pid,
      queue: 'mail',
      msg: 'slow',
    })
    assert.isTrue(written.join('').endsWith('}\n'))
  })

  it('writes readable lines on a terminal', () => {
    const { logger, written } = capture({ isTTY: true, colour: false })

    logger.info({ queue: 'mail', note: 'two words' }, 'started')

    assert.equal(written.join(''), '12:00:00.000 INFO  started queue=mail note="two words"\n')
  })

  it('uses colour only when told to', () => {
    const { logger, written } = capture({ pretty: true, colour: true })

    logger.info({}, 'started')

    assert.include(written.join(''), '\u001b[36mINFO')
  })

  it('writes nothing below its level', () => {
    const { logger, written } = capture({ level: 'error' })

    logger.warn({}, 'no')
    logger.child({ a: 1 }).info({}, 'no')
    logger.error({}, 'yes')

    assert.lengthOf(written, 1)
  })

  it('a child adds its fields', () => {
    const { logger, written } = capture()

    logger.child({ task: 'a' }).child({ id: '1' }).info({ n: 2 }, 'm')

    assert.include(JSON.parse(written.join('')), { task: 'a', id: '1', n: 2, msg: 'm' })
  })

  it('a field cannot pass for the level, the time or the message of the record', () => {
    const { logger, written } = capture()

    logger.info({ level: 'x', time: 'x', msg: 'x', pid: 'x' }, 'real')

    assert.include(JSON.parse(written.join('')), { level: 30, msg: 'real', pid: process.pid })
  })

  for (const pretty of [true, false])
    it(`keeps a hostile record on one line without escapes (${pretty ? 'pretty' : 'JSON'})`, () => {
      const { logger, written } = capture({ pretty, colour: false })

      logger.info(
        { 'na\u001bme': 'v\n12:00:00.000 INFO  forged \u001b[2J', other: '\u009b1m' },
        'm\n{"level":60}\u001b]0;title\u0007',
      )

      const text = written.join('')
      assert.equal(text.indexOf('\n'), text.length - 1)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: none of these may be there
      assert.notMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
    })

  it('shows an error with stack and cause, readable on a terminal', () => {
    const { logger, written } = capture({ pretty: true, colour: false })

    logger.error({ err: new Error('outer', { cause: new TypeError('inner') }) }, 'failed')

    const text = written.join('')
    assert.match(text, /ERROR failed\n {4}Error: outer\n {4} {4}at /)
    assert.include(text, '    caused by: TypeError: inner\n')
  })

  it('takes an error or a text alone, as pino does', () => {
    const { logger, written } = capture()

    logger.error(new Error('alone'))
    logger.info('text' as unknown as object)

    assert.equal(JSON.parse(written[0]!).msg, 'alone')
    assert.equal(JSON.parse(written[1]!).msg, 'text')
  })

  it('masks secrets in fields and in the message', () => {
    const { logger, written } = capture()

    logger.info({ token: 'hush1', url: 'redis://u:hush2@h' }, 'at redis://u:hush3@h')

    assert.notInclude(written.join(''), 'hush')
  })
})
