import { assert } from 'chai'
import fc from 'fast-check'
import { Unroutable } from '../../../lib/base/errors.ts'
import type { Destination } from '../../../lib/publish/call.ts'
import type { TaskRoutes } from '../../../lib/publish/route-rules.ts'
import { Router, type RouterOptions } from '../../../lib/publish/router.ts'

interface Given {
  queues?: RouterOptions['queues']
  routes?: TaskRoutes
  createMissing?: boolean
  defaultPriority?: number | null
  defaults?: Partial<RouterOptions['defaults']>
}

function makeRouter({ queues = null, routes, createMissing = true, defaultPriority, defaults }: Given = {}): Router {
  return new Router({
    queues,
    routes: routes ?? null,
    createMissing,
    defaultPriority,
    defaults: { queue: 'celery', exchange: null, exchangeType: 'direct', routingKey: null, ...defaults },
  })
}

function route(
  router: Router,
  task: string,
  destination: Destination = {},
  more: { taskDestination?: Destination; priority?: number } = {},
) {
  return router.route({ task, args: [1], kwargs: { k: 2 }, destination, ...more })
}

const direct = (queue: string, priority?: number) => ({ exchange: '', routingKey: queue, queue, priority })

describe('Router: who decides', () => {
  it('without anything said, the default queue, by its name', () => {
    assert.deepEqual(route(makeRouter(), 'a'), direct('celery'))
    assert.deepEqual(route(makeRouter({ defaults: { queue: 'main' } }), 'a'), direct('main'))
  })

  it('the call wins over the task, the task over the routes, the routes over the default', () => {
    const router = makeRouter({ routes: { a: 'from-route' } })

    assert.deepEqual(route(router, 'b'), direct('celery'))
    assert.deepEqual(route(router, 'a'), direct('from-route'))
    assert.deepEqual(route(router, 'a', {}, { taskDestination: { queue: 'from-task' } }), direct('from-task'))
    assert.deepEqual(
      route(router, 'a', { queue: 'from-call' }, { taskDestination: { queue: 'from-task' } }),
      direct('from-call'),
    )
  })

  it('a queue named further up is not bent by exchange or routing key further down', () => {
    const router = makeRouter({ routes: { a: { exchange: 'media', routingKey: 'video' } } })

    assert.deepEqual(route(router, 'a', { queue: 'mine' }), direct('mine'))
  })

  it('a part given further up is completed by the parts further down', () => {
    const router = makeRouter({
      queues: [{ name: 'feeds', exchange: 'feed', exchangeType: 'topic', routingKey: 'feed.#' }],
      routes: { a: 'feeds' },
    })

    assert.deepInclude(route(router, 'a', { routingKey: 'feed.rss' }), {
      exchange: 'feed',
      routingKey: 'feed.rss',
      queue: 'feeds',
    })
  })

  it('priority: the call, then the route, then the default', () => {
    const router = makeRouter({ routes: { a: { queue: 'q', priority: 3 } } })

    assert.equal(route(router, 'a').priority, 3)
    assert.equal(route(router, 'a', {}, { priority: 0 }).priority, 0)
    assert.equal(route(router, 'a', { queue: 'other' }).priority, 3)
    assert.isUndefined(route(router, 'b').priority)
    assert.equal(route(makeRouter({ defaultPriority: 7 }), 'b').priority, 7)
    assert.isUndefined(route(makeRouter({ defaultPriority: null }), 'b').priority)
  })
})

describe('Router: forms of taskRoutes', () => {
  it('in a map, whole names win over patterns, and patterns are tried in order', () => {
    const router = makeRouter({ routes: { 'feed.*': 'feeds', '*.import': 'imports', 'feed.import': 'exact' } })

    assert.equal(route(router, 'feed.import').queue, 'exact')
    assert.equal(route(router, 'feed.x').queue, 'feeds')
    assert.equal(route(router, 'web.import').queue, 'imports')
  })

  it('names such as __proto__ and constructor find nothing that is not there', () => {
    const router = makeRouter({ routes: { a: 'x' } })

    for (const name of ['__proto__', 'constructor', 'toString'])
      assert.deepEqual(route(router, name), direct('celery'), name)
  })

  it('a Map and pairs may have RegExps', () => {
    const byMap = makeRouter({ routes: new Map<string | RegExp, string>([[/^(video|image)\./, 'media']]) })
    const byPairs = makeRouter({
      routes: [
        [/^(video|image)\./, 'media'],
        ['mail.*', { queue: 'mail' }],
      ],
    })

    for (const router of [byMap, byPairs]) assert.equal(route(router, 'video.encode').queue, 'media')
    assert.equal(route(byPairs, 'mail.send').queue, 'mail')
    assert.equal(route(byPairs, 'other').queue, 'celery')
  })

  it('a RegExp with the g flag answers the same every time', () => {
    const router = makeRouter({ routes: [[/video/g, 'media']] })

    const answers = [1, 2, 3].map(() => route(router, 'video.encode').queue)

    assert.deepEqual(answers, ['media', 'media', 'media'])
  })

  it('a RegExp sees 255 characters of a name', () => {
    const router = makeRouter({ routes: [[/^(a+)+$/, 'caught']] })
    const before = performance.now()

    // As a whole this name would not fit, and trying would not end.
    const found = route(router, `${'a'.repeat(300)}!`)

    assert.equal(found.queue, 'caught')
    assert.isBelow(performance.now() - before, 5000)
  })

  it('a list may mix maps, pairs, lists of pairs and functions; the first that answers wins', () => {
    const router = makeRouter({
      routes: [
        { a: 'one' },
        ['b', 'two'],
        [
          ['c', 'three'],
          [/^d/, 'four'],
        ],
        (task) => (task === 'e' ? { queue: 'five' } : null),
        { e: 'never', f: 'six' },
      ],
    })

    assert.deepEqual(
      ['a', 'b', 'c', 'dd', 'e', 'f', 'g'].map((task) => route(router, task).queue),
      ['one', 'two', 'three', 'four', 'five', 'six', 'celery'],
    )
  })

  it('a function gets name, arguments and what was asked for, and may pass', () => {
    const seen: unknown[] = []
    const router = makeRouter({
      routes: (...given) => {
        seen.push(given)
        return undefined
      },
    })

    const found = route(router, 'a', { routingKey: 'k' }, { priority: 4 })

    assert.deepEqual(seen, [['a', [1], { k: 2 }, { routingKey: 'k', priority: 4 }]] as unknown[])
    assert.equal(found.routingKey, 'k')
  })

  it('a function that answers nonsense is named', () => {
    const answers: unknown[] = [5, { que: 'x' }, '', { queue: 'a\nb' }, Promise.resolve('q'), { priority: -1 }]
    for (const answer of answers) {
      const router = makeRouter({ routes: [{ x: 'y' }, () => answer as never] })
      assert.throws(() => route(router, 'a'), Unroutable, /^taskRoutes\[1\] answered with a route that cannot be: /)
    }
  })
})

describe('Router: queues and exchanges', () => {
  it('taskQueues may be names and objects', () => {
    const router = makeRouter({
      queues: [
        'mail',
        {
          name: 'feeds',
          exchange: 'feed',
          exchangeType: 'topic',
          routingKey: 'feed.#',
          bindings: [{ routingKey: 'rss.*' }],
        },
      ],
    })

    assert.deepEqual(router.queues(), [
      {
        name: 'mail',
        exchange: { name: 'celery', type: 'direct' },
        routingKeys: ['mail'],
        durable: true,
        arguments: {},
      },
      {
        name: 'feeds',
        exchange: { name: 'feed', type: 'topic' },
        routingKeys: ['feed.#', 'rss.*'],
        durable: true,
        arguments: {},
      },
    ])
  })

  it('without taskQueues there is the default queue, with the default exchange and routing key', () => {
    const router = makeRouter({ defaults: { queue: 'q', exchange: 'e', exchangeType: 'topic', routingKey: 'k.#' } })

    assert.deepEqual(router.queues(), [
      { name: 'q', exchange: { name: 'e', type: 'topic' }, routingKeys: ['k.#'], durable: true, arguments: {} },
    ])
    assert.deepInclude(route(router, 'a'), { exchange: 'e', routingKey: 'k.#', queue: 'q' })
  })

  it('a direct queue is reached through the default exchange, a topic or fanout queue through its own', () => {
    const router = makeRouter({
      queues: [
        { name: 'd', exchange: 'x' },
        { name: 't', exchange: 'y', exchangeType: 'topic', routingKey: 'a.#' },
        { name: 'f', exchange: 'z', exchangeType: 'fanout' },
      ],
    })

    assert.deepEqual(route(router, 'a', { queue: 'd' }), direct('d'))
    assert.deepInclude(route(router, 'a', { queue: 't' }), { exchange: 'y', routingKey: 'a.#' })
    assert.deepInclude(route(router, 'a', { queue: 'f' }), { exchange: 'z', routingKey: 'f' })
  })

  it('an explicit exchange and routing key go out as they are', () => {
    const router = makeRouter({
      queues: [{ name: 'feeds', exchange: 'feed', exchangeType: 'topic', routingKey: 'feed.#' }],
    })

    assert.deepInclude(route(router, 'a', { exchange: 'feed', routingKey: 'feed.rss' }), {
      exchange: 'feed',
      routingKey: 'feed.rss',
      queue: 'feeds',
    })
    assert.deepInclude(route(router, 'a', { exchange: 'elsewhere', routingKey: 'k' }), {
      exchange: 'elsewhere',
      routingKey: 'k',
    })
    assert.deepInclude(route(router, 'a', { exchange: '', routingKey: 'feeds' }), {
      exchange: '',
      routingKey: 'feeds',
      queue: 'feeds',
    })
  })

  it('with taskCreateMissingQueues off, an unknown queue is refused with the nearest right one', () => {
    const router = makeRouter({ queues: ['mail', 'media'], createMissing: false, routes: { b: 'mial' } })

    assert.throws(
      () => route(router, 'a', { queue: 'mails' }),
      Unroutable,
      'Cannot send a: queue "mails" is not in taskQueues, and taskCreateMissingQueues is off. Did you mean "mail"?',
    )
    assert.throws(() => route(router, 'b'), Unroutable, 'Did you mean "mail"?')
    assert.throws(() => router.queueNamed('zzz', 'Cannot consume'), Unroutable, 'It has mail, media.')
    assert.deepEqual(route(router, 'a', { queue: 'media' }), direct('media'))
  })

  it('with taskCreateMissingQueues on, an unknown queue gets a direct exchange of its own name', () => {
    assert.deepEqual(makeRouter().queueNamed('new', 'Cannot consume'), {
      name: 'new',
      exchange: { name: 'new', type: 'direct' },
      routingKeys: ['new'],
      durable: true,
      arguments: {},
    })
  })

  it('a name that is none is refused with the task and what it is', () => {
    for (const [destination, what] of [
      [{ queue: 'a\nb' }, 'queue'],
      [{ queue: '' }, 'queue'],
      [{ exchange: 'x'.repeat(300) }, 'exchange'],
      [{ routingKey: '\u0000' }, 'routingKey'],
    ] as const)
      assert.throws(
        () => route(makeRouter(), 'tasks.add', destination),
        Unroutable,
        `Cannot send tasks.add: its ${what} `,
      )
  })

  it('always answers with a queue that it was told of, or the default', () => {
    const name = fc.stringMatching(/^[a-c.]{1,4}$/)
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-c.*?]{1,4}$/), name), name, (routes, task) => {
        const { queue, exchange, routingKey } = route(makeRouter({ routes }), task)
        assert.include(['celery', ...Object.values(routes)], queue)
        assert.deepEqual([exchange, routingKey], ['', queue])
      }),
    )
  })
})
