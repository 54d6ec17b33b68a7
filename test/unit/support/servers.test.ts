import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { assert } from 'chai'
import { isDead } from '../../support/freezer.ts'
import { projectRoot, useProcesses } from '../../support/processes.ts'
import { needRedis, useRedisServers, useSharedRedis } from '../../support/servers.ts'
import { useTempFolders } from '../../support/temp-folder.ts'

const needed = needRedis()

describe('the Redis that tests share', () => {
  const redis = useSharedRedis(needed)
  const processes = useProcesses()
  const makeFolder = useTempFolders()

  it('gives every test a database of its own', async () => {
    const first = redis.freshUrl()
    const second = redis.freshUrl()

    assert.match(first, /^redis:\/\/127\.0\.0\.1:\d+\/\d+$/)
    assert.notEqual(first, second)
    assert.equal(await redis.server.run('PING'), 'PONG')
  })

  for (const ending of ["throw new Error('no')", 'process.exit(3)', "process.kill(process.pid, 'SIGKILL')"]) {
    it(`ends with a run that ends by ${ending}`, async () => {
      const file = join(makeFolder(), 'nested.test.ts')
      const servers = pathToFileURL(join(projectRoot, 'test/support/servers.ts')).href
      writeFileSync(
        file,
        `import { needRedis, useSharedRedis } from '${servers}'
        const needed = needRedis()
        describe('nested', () => {
          const redis = useSharedRedis(needed)
          it('one', () => { console.log('pid ' + redis.server.pid + '.') })
          it('two', () => { ${ending} })
        })`,
      )

      const mocha = processes.node(join(projectRoot, 'node_modules/mocha/bin/mocha.js'), [file], {
        cwd: projectRoot,
        // A run that is killed leaves its folder behind.
        env: { TMPDIR: makeFolder() },
      })
      const pid = Number((await mocha.prints(/pid \d+\./)).slice(4, -1))
      await mocha.ends()

      assert.isAbove(pid, 1)
      assert.isTrue(isDead(pid))
    })
  }
})

describe('Redis servers of one test', () => {
  const servers = useRedisServers(needed)

  it('are killed, restarted on their port with their data, frozen and thawed', async () => {
    const redis = await servers.start({ appendonly: 'yes', appendfsync: 'always' })
    const { pid, port } = redis
    await redis.run('SET', 'a', '1')

    await redis.restart()

    assert.notEqual(redis.pid, pid)
    assert.equal(redis.port, port)
    assert.equal(await redis.run('GET', 'a'), '1')
    redis.freeze()
    const asked = redis.run('GET', 'a')
    redis.thaw()
    assert.equal(await asked, '1')
  })

  it('come as a master with replicas and sentinels, which know each other', async () => {
    const { servers: redis, sentinels, url } = await servers.startSentinels('main')

    assert.include(await redis[0]!.run('INFO', 'replication'), 'connected_slaves:2')
    assert.lengthOf(sentinels, 3)
    assert.match(url(1), /^(sentinel:\/\/127\.0\.0\.1:\d+\/1;?){3}$/)
  })
})
