import { assert } from 'chai'
import { projectRoot, useProcesses } from '../../../support/processes.ts'

describe('the client of Redis', () => {
  const processes = useProcesses()
  const run = (head: string, body: string) =>
    processes.start(
      process.execPath,
      [
        '--import',
        'tsx',
        '--input-type=module',
        '-e',
        `${head}
        import { systemClock } from '${projectRoot}/lib/base/clock.ts'
        import { openRedisServer } from '${projectRoot}/lib/driver/redis/redis-server.ts'
        import { readRedisUrl } from '${projectRoot}/lib/driver/redis/redis-url.ts'
        ${body}`,
      ],
      { name: 'a program', cwd: projectRoot },
    )

  it('is not loaded before it is needed', async () => {
    const program = run(
      `import { createRequire } from 'node:module'`,
      `const server = openRedisServer({ endpoint: readRedisUrl('redis://127.0.0.1:1'), clock: systemClock })
      const { cache } = createRequire('${projectRoot}/program.js')
      console.log('loaded: ' + Object.keys(cache).some((path) => path.includes('/ioredis/')))
      await server.release()`,
    )

    await program.succeeds()

    assert.include(program.stdout, 'loaded: false')
  })

  it('that is not installed is named, with how to install it, at once', async () => {
    const program = run(
      `import Module from 'node:module'
      const resolve = Module._resolveFilename
      Module._resolveFilename = (name, ...rest) => {
        if (name === 'ioredis') throw Object.assign(new Error('Cannot find module'), { code: 'MODULE_NOT_FOUND' })
        return resolve(name, ...rest)
      }`,
      `const server = openRedisServer({ endpoint: readRedisUrl('redis://127.0.0.1:1'), clock: systemClock })
      await server.command('PING').catch((error) => console.log(error.code, error.message))
      await server.release()`,
    )

    await program.succeeds({ withinMs: 8_000 })

    assert.match(program.stdout, /^UMBEL_NO_DRIVER .*`npm install ioredis`/)
  })
})
