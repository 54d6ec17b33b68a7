import { assert } from 'chai'
import { byFile, byFunction, bySite, type CpuProfile } from '../../../bench/profile.ts'

const frame = (functionName: string, url = '', lineNumber = 0) => ({ functionName, url, lineNumber })
/** root → idle; root → store (ours) → run (the driver's wrapper) → native code; root → collector */
const profile: CpuProfile = {
  nodes: [
    { id: 1, callFrame: frame('(root)'), children: [2, 3, 6] },
    { id: 2, callFrame: frame('(idle)') },
    { id: 3, callFrame: frame('store', 'file:///home/me/umbel/dist/lib/result/rows.js', 9), children: [4] },
    {
      id: 4,
      callFrame: frame('run', 'file:///home/me/umbel/dist/lib/driver/sqlite/sqlite-database.js', 58),
      children: [5],
    },
    { id: 5, callFrame: frame('execute') },
    { id: 6, callFrame: frame('(garbage collector)') },
  ],
  samples: [2, 3, 5, 5, 4, 6, 2],
  // Each is the time to the sample before; what a sample stands for is the next one.
  timeDeltas: [7, 1_000, 10, 200, 300, 4, 60],
}

describe('profiles of the benchmark', () => {
  it('self time is by function, most first, without idle time', () => {
    assert.deepEqual(byFunction(profile), [
      { what: 'execute', us: 500 },
      { what: '(garbage collector)', us: 60 },
      { what: 'store dist/lib/result/rows.js:10', us: 10 },
      { what: 'run dist/lib/driver/sqlite/sqlite-database.js:59', us: 4 },
    ])
  })

  it('what belongs to no file stands for itself among the files', () => {
    assert.deepEqual(
      byFile(profile).map(({ what }) => what),
      [
        'native execute',
        'native garbage collector',
        'dist/lib/result/rows.js',
        'dist/lib/driver/sqlite/sqlite-database.js',
      ],
    )
  })

  it('what the driver does counts for the function that asked for it', () => {
    assert.deepEqual(bySite(profile), [
      { what: 'store dist/lib/result/rows.js:10', us: 514 },
      { what: '(garbage collector)', us: 60 },
    ])
  })
})
