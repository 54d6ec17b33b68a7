import { assert } from 'chai'
import { isSecretName, maskSecrets, maskUrl } from '../../../lib/base/mask-secrets.ts'

describe('masking of secrets', () => {
  it('knows names that hold secrets', () => {
    for (const name of [
      'password',
      'dbPassword',
      'PASSWD',
      'accessToken',
      'api_key',
      'api-key',
      'clientSecret',
      'Authorization',
      'Cookie',
      'privateKey',
    ])
      assert.isTrue(isSecretName(name), name)
    for (const name of ['user', 'key', 'passenger', 'tokyo', 'author']) assert.isFalse(isSecretName(name), name)
  })

  it('masks the password of a URL and keeps the rest', () => {
    assert.equal(maskUrl('redis://bob:s3cret@host:6379/0'), 'redis://bob:********@host:6379/0')
    assert.equal(maskUrl('redis://:s3cret@host'), 'redis://:********@host')
    assert.equal(maskUrl('amqp://a:b@h1//;amqp://c:d@h2//'), 'amqp://a:********@h1//;amqp://c:********@h2//')
  })

  it('masks a password that has an at sign in it', () => {
    assert.notInclude(maskUrl('redis://bob:s3@cret@host'), 'cret')
  })

  it('masks a password with characters that belong to other parts of a URL', () => {
    for (const password of ['s3/cret', 's3#cret', 's3?cret', '12345', '6379x/cret'])
      assert.equal(maskUrl(`redis://bob:${password}@host:6379/0`), 'redis://bob:********@host:6379/0', password)
    assert.equal(maskUrl('http://host:80/mail?to=a@b'), 'http://host:80/mail?to=a@b')
  })

  it('masks secret query parameters', () => {
    assert.equal(maskUrl('https://h/?user=bob&api_key=abc'), 'https://h/?user=bob&api_key=********')
  })

  it('leaves text without a secret as it is', () => {
    for (const text of ['', 'at 12:30, ask bob@example.com', 'sqlite:///home/me/a.db', 'http://host/path'])
      assert.equal(maskUrl(text), text)
  })

  it('masks values by name at any depth, and URLs everywhere', () => {
    const masked = maskSecrets({ user: 'bob', auth: [{ token: 't', url: 'redis://a:b@h' }], secret: null })

    assert.deepEqual(masked, { user: 'bob', auth: [{ token: '********', url: 'redis://a:********@h' }], secret: null })
  })

  it('takes time in proportion to the text, whatever is in it', () => {
    const before = performance.now()

    for (const part of ['a', 'a://', '&', '?a', '://a:', '@', '?a=']) maskUrl(part.repeat(1_000_000 / part.length))

    // Quadratic took minutes here.
    assert.isBelow(performance.now() - before, 5000)
  })

  it('does not change what it was given', () => {
    const given = { password: 'x' }

    maskSecrets(given)

    assert.equal(given.password, 'x')
  })

  it('ends on a value that holds itself', () => {
    const loop: Record<string, unknown> = {}
    loop['self'] = loop

    assert.doesNotThrow(() => JSON.stringify(maskSecrets(loop)))
  })
})
