import { assert } from 'chai'
import fc from 'fast-check'
import { matchesTopic, plainQueue, type Queue, queuesOf } from '../../../lib/broker/queue.ts'

const bound = (name: string, type: 'direct' | 'topic' | 'fanout', ...routingKeys: string[]): Queue => ({
  ...plainQueue(name),
  exchange: { name: 'x', type },
  routingKeys,
})

describe('queue', () => {
  it('a topic pattern matches word for word, * for one word and # for any number', () => {
    const yes = [
      ['a.b', 'a.b'],
      ['a.*', 'a.b'],
      ['#', ''],
      ['#', 'a.b.c'],
      ['a.#', 'a'],
      ['a.#.z', 'a.b.c.z'],
      ['#.z', 'z'],
      ['*.#', 'a'],
    ] as const
    const no = [
      ['a.*', 'a'],
      ['a.*', 'a.b.c'],
      ['a.#.z', 'a.b.c'],
      ['a', 'b'],
    ] as const

    for (const [pattern, key] of yes) assert.isTrue(matchesTopic(pattern, key), `${pattern} ~ ${key}`)
    for (const [pattern, key] of no) assert.isFalse(matchesTopic(pattern, key), `${pattern} ~ ${key}`)
  })

  it('agrees with a regular expression on any pattern and key', () => {
    const word = fc.constantFrom('a', 'b', 'c')
    const pattern = fc.array(fc.oneof(word, fc.constant('*'), fc.constant('#')), { minLength: 1, maxLength: 6 })
    const key = fc.array(word, { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(pattern, key, (parts, words) => {
        const naive = (at: number, word: number): boolean =>
          at === parts.length
            ? word === words.length
            : parts[at] === '#'
              ? naive(at + 1, word) || (word < words.length && naive(at, word + 1))
              : word < words.length && (parts[at] === '*' || parts[at] === words[word]) && naive(at + 1, word + 1)
        assert.equal(
          matchesTopic(parts.join('.'), words.join('.')),
          naive(0, 0),
          `${parts.join('.')} ~ ${words.join('.')}`,
        )
      }),
    )
  })

  it('ends quickly on a hostile pattern', () => {
    const pattern = Array.from({ length: 500 }, () => '#.a').join('.')
    const key = Array.from({ length: 500 }, () => 'a').join('.')

    assert.isFalse(matchesTopic(`${pattern}.b`, key))
  })

  it('the default exchange leads to the queue of that name, declared or not', () => {
    assert.deepEqual(queuesOf({ exchange: '', routingKey: 'mail' }, []), ['mail'])
  })

  it('direct, topic and fanout exchanges lead where their bindings say', () => {
    const queues = [bound('d', 'direct', 'k'), bound('t', 'topic', 'k.*'), bound('f', 'fanout')]

    assert.deepEqual(queuesOf({ exchange: 'x', routingKey: 'k' }, queues), ['d', 'f'])
    assert.deepEqual(queuesOf({ exchange: 'x', routingKey: 'k.1' }, queues), ['t', 'f'])
    assert.deepEqual(queuesOf({ exchange: 'y', routingKey: 'k' }, queues), [])
  })
})
