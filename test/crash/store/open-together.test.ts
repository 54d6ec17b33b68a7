import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { useTempFolders } from '../../support/temp-folder.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const workload = fileURLToPath(new URL('./workload/open-together.ts', import.meta.url))

describe('a new store file', function () {
  this.timeout(30_000)
  const tempFolder = useTempFolders()

  it('is opened by two processes at one moment without either refusing it', async () => {
    const folder = tempFolder('together')
    const startAt = String(Date.now() + 2_000)
    const run = () =>
      promisify(execFile)(process.execPath, ['--import', 'tsx', workload, folder, '120', startAt], { cwd: root })

    // Rejects with what either of them said when it failed.
    await Promise.all([run(), run()])
  })
})
