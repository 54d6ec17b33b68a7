import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { assert } from 'chai'
import { isGone, ownIdentity, type ProcessIdentity } from '../../../../lib/driver/sqlite/process-identity.ts'
import { skip } from '../../../support/skip.ts'
import { until } from '../../../support/until.ts'

describe('the identity of a process', () => {
  const own = ownIdentity()

  it('of this one is not gone', () => {
    assert.isFalse(isGone(own, own))
  })

  it('of one with the same number and another start is gone', () => {
    assert.isTrue(isGone({ ...own, startedAt: `${own.startedAt}0` }, own))
    if (process.platform === 'linux') assert.isTrue(isGone({ ...own, pid: process.ppid, startedAt: '1' }, own))
  })

  it('of an earlier run of the machine is gone', () => {
    assert.isTrue(isGone({ ...own, bootId: 'another' }, own))
  })

  it('of another container is never said to be gone: its number means nothing here', () => {
    assert.isFalse(isGone({ ...own, pid: 999_999_999, pidNamespace: 'pid:[1]' }, own))
  })

  it('of a child is there while it lives, and gone when it has ended', async () => {
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'])
    await once(child, 'spawn')
    const identity = identityOf(child.pid!, own)
    assert.isFalse(isGone(identity, own))

    child.kill('SIGKILL')
    await once(child, 'close')

    assert.isTrue(isGone(identity, own))
  })

  it('of a process that ended and waits for its parent to look is gone', async function () {
    if (process.platform !== 'linux') skip(this, 'only Linux shows such processes')
    // The shell starts a child, prints its number, and becomes a program that never looks after it.
    const shell = spawn('sh', ['-c', 'sleep 0.05 & echo $!; exec sleep 30'])
    const [line] = (await once(shell.stdout, 'data')) as [Buffer]
    const identity = identityOf(Number(line.toString()), own)

    await until(() => readFileSync(`/proc/${identity.pid}/stat`, 'latin1').includes(') Z '), {
      what: 'the child to end',
    })

    assert.isTrue(isGone(identity, own))
    shell.kill('SIGKILL')
    await once(shell, 'close')
  })

  it('is told by signals where there is no /proc', () => {
    const blind: ProcessIdentity = { ...own, startedAt: '' }
    assert.isFalse(isGone({ ...blind, pid: process.ppid }, blind))
    assert.isTrue(isGone({ ...blind, pid: 2 ** 22 + 1 }, blind))
  })
})

function identityOf(pid: number, own: ProcessIdentity): ProcessIdentity {
  if (own.startedAt === '') return { ...own, pid }
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  return { ...own, pid, startedAt: stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]! }
}
