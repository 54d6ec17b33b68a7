import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { assert } from 'chai'
import { type DebianPackage, installMissing, isProgram, type SystemFacts } from '../../support/debian-packages.ts'
import { needFakeTime, WallClock } from '../../support/fake-time.ts'
import { canMountDisks, limited, onOwnDisk, shareDisk } from '../../support/limits.ts'
import { useProcesses } from '../../support/processes.ts'
import { skip } from '../../support/skip.ts'
import { useTempFolders } from '../../support/temp-folder.ts'
import { until } from '../../support/until.ts'

describe('Debian packages for tests', () => {
  /** A system without network or package manager, as far as it is not said to have one. */
  function system(can: { apt?: boolean; root?: boolean; sudo?: boolean; works?: boolean; hasOldList?: boolean }) {
    const ran: string[] = []
    const said: string[] = []
    const there = new Set<string>()
    let isUpdated = can.hasOldList !== true
    const facts: SystemFacts = {
      isRoot: can.root === true,
      run: (command, args) => {
        const line = [command, ...args].join(' ')
        ran.push(line)
        if (line.includes('command -v apt-get')) return { status: can.apt === true ? 0 : 1 }
        if (line === 'sudo -n true') return { status: can.sudo === true ? 0 : 1 }
        if (line.includes(' update')) isUpdated = true
        else if (can.works !== false && isUpdated) there.add('redis-server')
        return { status: isUpdated && can.works !== false ? 0 : 100 }
      },
      say: (line) => void said.push(line),
    }
    const redis: DebianPackage = { name: 'redis-server', isThere: () => there.has('redis-server') }
    return { ran, said, facts, redis, there }
  }

  it('are left alone when they are there', () => {
    const { ran, said, facts } = system({ apt: true, root: true })
    assert.deepEqual(installMissing([{ name: 'node', isThere: () => true }], facts), [])
    assert.deepEqual([ran, said], [[], []])
  })

  it('are installed as root, after an update when the list is old', () => {
    const { ran, facts, redis } = system({ apt: true, root: true, hasOldList: true })
    assert.deepEqual(installMissing([redis], facts), [])
    assert.isTrue(ran.some((line) => /^env DEBIAN_FRONTEND=noninteractive apt-get -q update$/.test(line)))
    assert.notMatch(ran.join('\n'), /sudo/)
  })

  it('are installed by sudo that asks for no password', () => {
    const { ran, facts, redis } = system({ apt: true, sudo: true })
    assert.deepEqual(installMissing([redis], facts), [])
    assert.match(ran.at(-1)!, /^sudo -n env .* install -y --no-install-recommends redis-server$/)
  })

  for (const [where, can] of [
    ['without apt', { root: true }],
    ['for a user who may not', { apt: true }],
    ['when it fails', { apt: true, root: true, works: false }],
  ] as const) {
    it(`that can't be installed ${where} are named in one line`, () => {
      const { said, facts, redis } = system(can)
      assert.deepEqual(installMissing([redis], facts), [redis])
      assert.match(said.at(-1)!, /^Some tests need .*: apt-get install redis-server$/)
    })
  }

  it('are known by their programs', () => {
    assert.isTrue(isProgram('sh'))
    assert.isFalse(isProgram('no-such-program-here'))
  })
})

describe('a faked wall clock', () => {
  const processes = useProcesses()
  const tempFolder = useTempFolders()

  before(function () {
    needFakeTime(this)
  })

  it('jumps in a running process, and leaves timers and the monotonic clock true', async () => {
    const clock = new WallClock(tempFolder('clock'))
    const script = `const startedAt = performance.now()
      const hours = () => Math.round((Date.now() - Number(process.argv[1])) / 3.6e6)
      setInterval(() => console.log(hours() + 'h', performance.now() - startedAt < 60_000), 10)`
    const one = processes.start(process.execPath, ['-e', script, String(Date.now())], { env: clock.env })
    await one.prints('0h true')

    clock.set(3_600_000)
    await one.prints('1h true')
    clock.set(-24 * 3_600_000)

    await one.prints('-24h true')
    assert.notInclude(one.stdout, 'false')
  })
})

describe('limits of a process', () => {
  const processes = useProcesses()
  const tempFolder = useTempFolders()

  it('on descriptors end in EMFILE', async () => {
    const script = `const fs = require('fs'); try { for (;;) fs.openSync('/dev/null') } catch (error) { console.log(error.code) }`
    const one = processes.start(...limited({ descriptors: 64 }, process.execPath, ['-e', script]))
    await one.succeeds()
    assert.equal(one.stdout.trim(), 'EMFILE')
  })

  it('on the size of files end in an error, not in a signal', async () => {
    const file = join(tempFolder('limit'), 'file')
    const script = `const fs = require('fs'); try { for (;;) fs.appendFileSync(${JSON.stringify(file)}, Buffer.alloc(4096)) } catch (error) { console.log(error.code) }`
    const one = processes.start(...limited({ fileBytes: 1_048_576 }, process.execPath, ['-e', script]))
    await one.succeeds()
    assert.equal(one.stdout.trim(), 'EFBIG')
    assert.isAtMost(readFileSync(file).length, 1_048_576)
  })

  it('send standard error elsewhere', async () => {
    const file = join(tempFolder('limit'), 'log')
    const one = processes.start(...limited({ stderrTo: file }, process.execPath, ['-e', 'console.error("hello")']))
    await one.succeeds()
    assert.equal(readFileSync(file, 'utf8'), 'hello\n')
    assert.equal(one.stderr, '')
  })

  it('on the disk end in ENOSPC, until there is space again', async function () {
    if (!canMountDisks()) skip(this, 'mounting a disk needs Linux with user namespaces, or root')
    const folder = tempFolder('disk')
    const go = join(tempFolder('go'), 'go')
    const script = `const fs = require('fs'), folder = process.argv[1], go = process.argv[2]
      try { for (;;) fs.appendFileSync(folder + '/full', Buffer.alloc(65536)) } catch (error) { console.log(error.code) }
      setInterval(() => { if (!fs.existsSync(go)) return; fs.rmSync(folder + '/full'); fs.writeFileSync(folder + '/new', 'x'); console.log('space'); process.exit() }, 10)`
    const one = processes.start(
      ...onOwnDisk({ folder, bytes: 2_000_000 }, process.execPath, ['-e', script, folder, go]),
    )
    await one.prints('ENOSPC')
    writeFileSync(go, '')
    await until(() => one.stdout.includes('space'), { what: 'the next write to work' })
  })

  it('on a disk that several processes share hold for all of them', async function () {
    if (!canMountDisks()) skip(this, 'mounting a disk needs Linux with user namespaces, or root')
    const disk = await shareDisk(processes, { folder: tempFolder('disk'), bytes: 1_000_000 })
    const append = (): Promise<{ code: number | null }> =>
      processes.start('sh', ['-c', 'echo line >> "$0"/file', disk.folder], { wrap: disk.wrap }).ends()

    assert.equal((await append()).code, 0)
    disk.fill()
    // The first page of the file is there already, so that its own bytes still fit.
    const other = processes.start('sh', ['-c', 'echo line > "$0"/other', disk.folder], { wrap: disk.wrap })
    assert.notEqual((await other.ends()).code, 0)
    disk.free()

    assert.equal((await append()).code, 0)
    assert.equal(readFileSync(join(disk.outside, 'file'), 'utf8'), 'line\nline\n')
  })
})
