import { assert } from 'chai'
import { DefinitionSite } from '../../../lib/task/definition-site.ts'

function siteWith(stack: string | undefined): DefinitionSite {
  return Object.defineProperty(new DefinitionSite(() => {}), 'stack', { value: stack })
}

describe('DefinitionSite', () => {
  it('is the line of the caller', () => {
    const define = (): DefinitionSite => new DefinitionSite(define)

    assert.match(String(define()), /test\/unit\/task\/definition-site\.test\.ts:\d+$/)
  })

  for (const [line, expected] of [
    ['    at file:///app/tasks.ts:3:10', '/app/tasks.ts:3'],
    ['    at Object.<anonymous> (/app/with space/tasks.js:3:10)', '/app/with space/tasks.js:3'],
    ['    at async Promise.all (index 0)\n    at /app/tasks.js:7:1', '/app/tasks.js:7'],
    ['    at file:///app/tasks.ts?reload=2:3:10', '/app/tasks.ts:3'],
    ['    at C:\\app\\tasks.js:3:10', 'C:\\app\\tasks.js:3'],
    ['    at __decorateClass (/app/a.js:1:1)\n    at /app/a.js:9:1', '/app/a.js:9'],
    ['    at __esDecorate (/app/tslib.js:1:1)\n    at /app/a.js:9:1', '/app/a.js:9'],
    ['    at async file:///app/tasks.ts:3:10', '/app/tasks.ts:3'],
    ['', 'an unknown place'],
  ] as const)
    it(`reads ${JSON.stringify(line)}`, () => {
      assert.equal(String(siteWith(`Error\n${line}`)), expected)
    })

  it('is unknown where the engine keeps no stack', () => {
    assert.equal(String(siteWith(undefined)), 'an unknown place')
  })
})
