import { assert } from 'chai'
import { InvalidCall } from '../../../lib/base/errors.ts'
import { mergeWireOptions, readWireOptions, wireOptionsOf } from '../../../lib/canvas/wire-options.ts'

const signature = { task: 'cap.mul', args: [10], kwargs: {}, options: {}, subtask_type: null, immutable: false }

describe('wire options', () => {
  it('are the caller’s under Celery’s names, relative times in seconds, moments as ISO 8601', () => {
    const wire = wireOptionsOf(
      {
        taskId: 'id',
        countdown: '1.5s',
        expires: '1h',
        queue: 'hi',
        exchange: '',
        routingKey: 'a.b',
        priority: 0,
        serializer: 'json',
        compression: 'zlib',
        shadow: 'pretty',
        ignoreResult: true,
        timeLimit: 30,
        softTimeLimit: '20s',
        headers: { 'x-trace': 'abc', gone: undefined },
        link: signature,
        linkError: [signature, signature],
        deliveryMode: 1,
        replyTo: 'me',
        messageId: 'm',
        appId: 'a',
        userId: 'u',
        type: 't',
        timestamp: 5,
        argsRepr: '(***)',
        kwargsRepr: '{}',
      },
      'math.add',
    )

    assert.deepEqual(wire, {
      task_id: 'id',
      countdown: 1.5,
      expires: 3600,
      queue: 'hi',
      exchange: '',
      routing_key: 'a.b',
      priority: 0,
      serializer: 'json',
      compression: 'zlib',
      shadow: 'pretty',
      ignore_result: true,
      time_limit: 30,
      soft_time_limit: 20,
      headers: { 'x-trace': 'abc' },
      link: [signature],
      link_error: [signature, signature],
      delivery_mode: 1,
      reply_to: 'me',
      message_id: 'm',
      app_id: 'a',
      user_id: 'u',
      type: 't',
      timestamp: 5,
      argsrepr: '(***)',
      kwargsrepr: '{}',
    })
  })

  it('take moments as a Date or as text', () => {
    const date = new Date('2030-01-02T03:04:05.678Z')

    assert.deepEqual(wireOptionsOf({ eta: date, expires: '2031-01-01T00:00:00+02:00' }, 'a'), {
      eta: '2030-01-02T03:04:05.678000+00:00',
      expires: '2031-01-01T00:00:00+02:00',
    })
  })

  it('take an undefined option for an absent one, and leave what is none of the message’s to the caller', () => {
    assert.deepEqual(wireOptionsOf({ queue: undefined, kwargs: { x: 1 }, immutable: true }, 'a'), {})
  })

  const wrong: [options: object, reason: RegExp][] = [
    [{ cuontdown: 1 }, /Unknown option "cuontdown" of math\.add\. Did you mean "countdown"\?/],
    [{ task_id: 'x' }, /Did you mean "taskId"\?/],
    [{ xyzzyx: 1 }, /Unknown option "xyzzyx" of math\.add\. Known are taskId, /],
    [{ constructor: 1 }, /Unknown option "constructor"/],
    [{ countdown: 1, eta: new Date() }, /math\.add was given both countdown and eta/],
    [{ countdown: -1 }, /countdown of math\.add must be a number of seconds, 0 or more, not -1/],
    [{ countdown: '5 minutes' }, /countdown of math\.add must be a duration/],
    [{ countdown: null }, /countdown of math\.add/],
    [{ eta: new Date(Number.NaN) }, /eta of math\.add must be a Date or ISO 8601 text .*not an invalid Date/],
    [{ eta: 1_900_000_000_000 }, /eta of math\.add.*Write new Date\(ms\)/],
    [{ eta: 'tomorrow' }, /eta of math\.add/],
    [{ expires: 'soon' }, /expires of math\.add must be a duration/],
    [{ expires: '2030-13-01T00:00:00Z' }, /expires of math\.add must be a Date/],
    [{ taskId: '' }, /taskId of math\.add must be text of 1 to 255 characters/],
    [{ taskId: 'x'.repeat(256) }, /taskId/],
    [{ taskId: 'a\u0000b' }, /taskId .*no control characters/],
    [{ taskId: 5 }, /taskId/],
    [{ priority: -1 }, /priority of math\.add must be a whole number from 0 to 255, not -1/],
    [{ priority: '5' }, /priority/],
    [{ queue: 5 }, /queue of math\.add/],
    [{ ignoreResult: 'yes' }, /ignoreResult of math\.add must be true or false/],
    [{ timeLimit: 100_000 }, /timeLimit of math\.add: 100000 seconds is over a day; did you mean milliseconds/],
    [{ timeLimit: 1, softTimeLimit: 2 }, /softTimeLimit of math\.add \(2 s\) is over its timeLimit \(1 s\)/],
    [{ headers: { id: 'x' } }, /headers of math\.add: "id" is a header of the protocol itself\. .*"x-id"/],
    [{ headers: { compression: 'x' } }, /"compression" is a header of the protocol/],
    [{ headers: { 'a\nb': 'x' } }, /headers of math\.add: "a\\nb" is no name for a header/],
    [{ headers: ['x'] }, /headers of math\.add must be an object, not a list/],
    [{ link: () => {} }, /link of math\.add must be a signature, not the function link\. Make one with task\.s/],
    [{ link: [signature, 'math.add'] }, /link of math\.add must be a signature, not "math\.add"/],
    [{ linkError: { task: 5 } }, /linkError of math\.add is no signature: its task must be/],
    [{ deliveryMode: 'persistent' }, /deliveryMode/],
    [{ timestamp: new Date() }, /timestamp/],
    [{ retries: 1 }, /Unknown option "retries"/],
  ]
  for (const [options, reason] of wrong)
    it(`refuse ${Object.keys(options)} ${JSON.stringify(Object.values(options)[0])?.slice(0, 40)}`, () => {
      assert.throws(() => wireOptionsOf(options, 'math.add'), InvalidCall, reason)
    })

  describe('of a signature that came from elsewhere', () => {
    it('are read as they are, null for absent, without what we don’t know', () => {
      const options = {
        task_id: 'id',
        countdown: 5,
        eta: null,
        expires: '2030-01-01T00:00:00',
        link: [signature],
        link_error: null,
        retries: 2,
        group_id: 'g',
        group_index: 1,
        root_id: 'r',
        parent_id: null,
        replaced_task_nesting: 0,
        chord: signature,
        chain: [signature],
        retry_policy: { max_retries: 3 },
      }

      assert.deepEqual(readWireOptions(options, 'a'), {
        task_id: 'id',
        countdown: 5,
        expires: '2030-01-01T00:00:00',
        link: [signature],
        retries: 2,
        group_id: 'g',
        group_index: 1,
        root_id: 'r',
        replaced_task_nesting: 0,
        chord: signature,
        chain: [signature],
      })
    })

    it('may have time limits of over a day, which on the wire are surely seconds', () => {
      const wire = wireOptionsOf({ timeLimit: '3d', softTimeLimit: '2d' }, 'a')

      assert.deepEqual(readWireOptions({ ...wire }, 'a'), { time_limit: 259_200, soft_time_limit: 172_800 })
    })

    it('are read with their stamps, which stand flat among them', () => {
      const { stamped_headers: names, stamps } = readWireOptions(
        { stamped_headers: ['tenant', 'gone'], tenant: 'a', other: 1 },
        'a',
      )

      assert.deepEqual(names, ['tenant', 'gone'])
      assert.deepEqual(stamps, { tenant: 'a' })
    })

    it('are refused when they are of a wrong type', () => {
      for (const options of [{ retries: -1 }, { countdown: 'x' }, { link: 'x' }, { stamped_headers: [5] }, { eta: '' }])
        assert.throws(() => readWireOptions(options, 'math.add'), InvalidCall, /of math\.add/)
    })
  })

  it('merge: later ones win, and a due time replaces one of the other form', () => {
    assert.deepEqual(mergeWireOptions({ queue: 'a', priority: 1 }, { queue: 'b' }), { queue: 'b', priority: 1 })
    assert.deepEqual(mergeWireOptions({ countdown: 1 }, { eta: 'x' }), { eta: 'x' })
    assert.deepEqual(mergeWireOptions({ eta: 'x' }, { countdown: 1 }), { countdown: 1 })
  })
})
