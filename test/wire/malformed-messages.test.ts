import { assert } from 'chai'
import { decodeBody, MessageRefused, type ReadPolicy, readMessage } from '../../lib/message/read-message.ts'
import { celeryVersions, fixture, readPolicy, wireOf } from './captured.ts'

/**
 * What becomes of each message that was tried on live Python workers; `accepted` where not listed. Some of them ended a Python worker;
 * where ours are accepted although Python's died, the envelope was broken, not the message.
 */
const refusals: Record<string, string> = {
  'body without embed (2 elements)': 'malformed',
  'kwargs null': 'malformed',
  'args null': 'malformed',
  'kwargs [] (list)': 'malformed',
  'eta garbage': 'malformed',
  'eta empty string': 'malformed',
  'eta unix number': 'malformed',
  'content-type text/plain': 'content-refused',
  'content-type missing': 'malformed',
  'invalid JSON body': 'undecodable',
  'headers missing (top level), body v2': 'malformed',
  'protocol 1 without id': 'malformed',
  'callbacks signature minimal {task,args}': 'malformed',
  'callbacks as a single dict (not list)': 'malformed',
  'list element is not JSON': 'malformed',
}

/** Broken in the envelope, which is the broker's to refuse: without its properties we can't know that the body is base64. */
const brokenEnvelopes = ['properties missing']

function outcomeOf(message: unknown, policy: ReadPolicy): string {
  try {
    const wire = wireOf(message)
    const read = readMessage(wire, policy)
    assert.isArray((read.body ?? decodeBody(wire, policy)).args)
    return 'accepted'
  } catch (error) {
    assert.instanceOf(error, MessageRefused)
    assert.isAbove(error.message.length, 20)
    return error.reason
  }
}

for (const version of celeryVersions)
  describe(`messages tried on live Celery ${version} workers`, () => {
    for (const probe of fixture(`foreign-producer-probes-${version}`).probes) {
      if (brokenEnvelopes.includes(probe.probe)) continue
      const expected = refusals[probe.probe] ?? 'accepted'

      it(`${probe.probe}: ${expected}`, async () => {
        assert.equal(outcomeOf(probe.message, await readPolicy()), expected)
      })

      if (probe.message['content-type'] !== 'application/json') continue
      it(`${probe.probe}: is refused undecoded where JSON is not accepted`, async () => {
        const policy = await readPolicy({ accept: ['msgpack'] })

        assert.equal(outcomeOf({ ...probe.message, body: 'AAAA' }, policy), 'content-refused')
      })
    }

    it('covers every refusal that is listed', () => {
      const names = fixture(`foreign-producer-probes-${version}`).probes.map((probe: any) => probe.probe)

      assert.includeMembers(names, [...Object.keys(refusals), ...brokenEnvelopes])
    })
  })
