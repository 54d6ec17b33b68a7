import { assert } from 'chai'
import { type RedisFacts, readRedisFacts, redisGuarantees } from '../../../../lib/broker/redis/redis-guarantees.ts'
import { needRedis, useSharedRedis } from '../../../support/servers.ts'
import { useRedisRig } from './rig.ts'

const needed = needRedis()
const safe: RedisFacts = {
  maxmemory: 0,
  policy: 'noeviction',
  appendonly: true,
  appendfsync: 'always',
  connectedReplicas: 0,
}

function fails(facts: RedisFacts, replicas = 0): string {
  return redisGuarantees({ ...safe, ...facts }, replicas)
    .filter(({ holds }) => !holds)
    .map(({ says }) => says)
    .join('\n')
}

describe('what holds on a Redis', () => {
  const redis = useSharedRedis(needed)
  const rig = useRedisRig(() => redis.freshUrl())

  it('is everything where it keeps and evicts nothing', () => {
    assert.equal(fails({}), '')
    assert.equal(fails({ appendfsync: 'everysec' }), '')
  })

  for (const [what, facts, says] of [
    ['nothing is kept', { appendonly: false, saves: false }, /All calls are lost/],
    ['there are snapshots alone', { appendonly: false, saves: true }, /since the last snapshot/],
    ['everything may be evicted', { policy: 'allkeys-lru', maxmemory: 1 }, /loses queues when it is full/],
    ['it may be once there is a limit', { policy: 'allkeys-lru' }, /loses queues as soon as/],
    ['results may be evicted', { policy: 'volatile-ttl' }, /evicts results/],
    [
      'it tells nothing',
      { policy: undefined, appendonly: undefined },
      /survive .* is not known[\s\S]*evicted is not known/,
    ],
    ['a replica may take over', { connectedReplicas: 1 }, /lost when a replica takes over/],
  ] as const)
    it(`says what is missing where ${what}`, () => {
      assert.match(fails(facts), says)
    })

  it('counts the replicas that a call waits for', () => {
    assert.equal(fails({ connectedReplicas: 2 }, 2), '')
    assert.match(fails({ connectedReplicas: 1 }, 2), /when 2 of the replicas have it/)
  })

  it('is read from the server, and told by the broker', async () => {
    const { broker, server } = await rig()

    const facts = await readRedisFacts(server)

    assert.deepEqual(facts, {
      maxmemory: 0,
      policy: 'noeviction',
      appendonly: false,
      appendfsync: 'everysec',
      saves: false,
      minReplicas: 0,
      connectedReplicas: 0,
    })
    assert.deepEqual(await (await broker()).guarantees(), redisGuarantees(facts, 0))
  })
})
