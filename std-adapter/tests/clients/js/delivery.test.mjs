//! What a webhook receives: its headers, and signatures that Contentful's own toolkit accepts.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { verifyRequest } from '@contentful/node-apps-toolkit'
import { createClient } from 'contentful-management'
import { startReceiver } from './support/receiver.mjs'
import { host, makeSpace, publish } from './support/server.mjs'

const MEDIA_TYPE = 'application/vnd.contentful.management.v1+json'
const SECRET = 'Aa0+/=_-'.repeat(8)

const entry = {
  sys: { type: 'Entry', id: 'hello', environment: { sys: { type: 'Link', linkType: 'Environment', id: 'master' } } },
  fields: { title: { 'en-US': 'Grüße, 世界 🔔', de: 'quoted "and" \\ escaped' } },
}

/** A space, a client for it, and an endpoint; what each test here begins with. */
async function stage(t, answer) {
  const space = await makeSpace('deliveries')
  const client = createClient({ accessToken: space.token, host, insecure: true })
  const receiver = await startReceiver(answer)
  t.after(() => receiver.stop())
  const create = (path, changes) =>
    client.webhook.create(
      { spaceId: space.id },
      { name: 'hook', url: receiver.url + path, topics: ['Entry.publish'], ...changes },
    )
  const sign = () => client.webhook.upsertSigningSecret({ spaceId: space.id }, { value: SECRET })
  return { space, receiver, create, sign }
}

describe('headers', () => {
  test('tell what happened, where and for which webhook', async (t) => {
    const { space, receiver, create } = await stage(t)
    await create('/in', { name: 'My hook', headers: [{ key: 'X-Custom', value: 'of { /payload/sys/id }' }] })
    await publish(space, 'Entry.publish', entry, { 'x-contentful-event-datetime': '2024-05-06T07:08:09.010Z' })
    const [request] = await receiver.received(1)
    assert.deepEqual([request.method, request.path], ['POST', '/in'])
    assert.deepEqual(JSON.parse(request.body), entry)
    const { headers } = request
    const expected = {
      'x-contentful-topic': 'ContentManagement.Entry.publish',
      'x-contentful-webhook-name': 'My hook',
      'content-type': MEDIA_TYPE,
      'x-contentful-webhook-request-attempt': '1',
      'x-contentful-event-datetime': '2024-05-06T07:08:09.010Z',
      'x-contentful-crn': `crn:contentful:::content:spaces/${space.id}/environments/master/entries/hello`,
      'x-custom': 'of hello',
      'content-length': String(Buffer.byteLength(request.body)),
    }
    for (const [name, value] of Object.entries(expected)) assert.equal(headers[name], value, name)
    assert.match(headers['x-contentful-idempotency-key'], /^[0-9a-f]{64}$/)
    for (const name of ['authorization', 'x-contentful-signature', 'user-agent', 'accept']) {
      assert.equal(name in headers, false, `${name} is not sent`)
    }
  })

  test('count the attempts of one delivery and keep its key', async (t) => {
    const { space, receiver, create, sign } = await stage(t, (_, number) => (number < 3 ? 503 : 200))
    await sign()
    await create('/flaky')
    await publish(space, 'Entry.publish', entry)
    const requests = await receiver.received(3)
    const each = (name) => requests.map((request) => request.headers[name])
    assert.deepEqual(each('x-contentful-webhook-request-attempt'), ['1', '2', '3'])
    assert.equal(new Set(each('x-contentful-idempotency-key')).size, 1)
    assert.equal(new Set(each('x-contentful-event-datetime')).size, 1)
    assert.equal(new Set(each('x-contentful-signature')).size, 3)
    for (const request of requests) assert.equal(verifyRequest(SECRET, request), true)
  })

  test('go to the webhooks whose topics and filters match', async (t) => {
    const { space, create } = await stage(t)
    const { sys } = await create('/yes', {
      topics: ['Entry.*'],
      filters: [{ equals: [{ doc: 'sys.environment.sys.id' }, 'master'] }],
    })
    await create('/other-topic', { topics: ['Asset.*'] })
    await create('/other-filter', { filters: [{ not: { equals: [{ doc: 'sys.id' }, 'hello'] } }] })
    await create('/inactive', { active: false })
    assert.deepEqual(await publish(space, 'Entry.publish', entry), [sys.id])
  })
})

describe('signatures', () => {
  const rows = [
    ['a plain path', '/hook', {}],
    ['a query', '/hook?b=1&c=2', {}],
    ['an empty query', '/hook?', {}],
    ['a second question mark', '/hook?a=1?b=2', {}],
    ['escaped characters', '/in/hook%20a?b=1&c=d%2Fe', {}],
    ['letters beyond ASCII', '/grüße/ü?ä=1', {}],
    ['punctuation', "/a;b,c:d@e&f=g+h$i-j_k.l!m~n*o'p(q)r[s]t", {}],
    ['a pointer in the URL', '/entries/{ /payload/sys/id }?t={ /payload/fields/title/de }', {}],
    ['a name beyond ASCII', '/hook', { name: 'Glöckchen 🔔' }],
    ['custom headers and basic auth', '/hook', {
      headers: [{ key: 'X-Custom', value: ' a, b ' }],
      httpBasicUsername: 'user',
      httpBasicPassword: 'pass',
    }],
    ['a form', '/hook', { transformation: { contentType: 'application/x-www-form-urlencoded; charset=utf-8' } }],
    ['a body of its own', '/hook', {
      transformation: { method: 'PUT', contentType: 'application/json', body: { text: '→ { /payload/fields/title/en-US }' } },
    }],
    ['no body', '/hook?id={ /payload/sys/id }', { transformation: { method: 'GET' } }],
  ]

  for (const [what, path, changes] of rows) {
    test(`hold for ${what}`, async (t) => {
      const { space, receiver, create, sign } = await stage(t)
      await sign()
      await create(path, changes)
      await publish(space, 'Entry.publish', entry)
      const [request] = await receiver.received(1)
      assert.equal(request.method, changes.transformation?.method ?? 'POST')
      assert.equal(verifyRequest(SECRET, request), true)
    })
  }

  test('break when anything signed is changed', async (t) => {
    const { space, receiver, create, sign } = await stage(t)
    await sign()
    await create('/hook?a=1')
    await publish(space, 'Entry.publish', entry)
    const [request] = await receiver.received(1)
    const forged = [
      { ...request, body: request.body.replace('hello', 'other') },
      { ...request, path: '/hook?a=2' },
      { ...request, method: 'PUT' },
      { ...request, headers: { ...request.headers, 'x-contentful-topic': 'ContentManagement.Entry.delete' } },
    ]
    for (const forgery of forged) assert.equal(verifyRequest(SECRET, forgery), false)
    assert.equal(verifyRequest('x'.repeat(64), request), false)
    assert.equal(verifyRequest(SECRET, request), true)
  })

  test('end when the secret is deleted', async (t) => {
    const { space, receiver, create, sign } = await stage(t)
    await sign()
    await create('/hook')
    const client = createClient({ accessToken: space.token, host, insecure: true })
    await client.webhook.deleteSigningSecret({ spaceId: space.id })
    await publish(space, 'Entry.publish', entry)
    const [request] = await receiver.received(1)
    assert.throws(() => verifyRequest(SECRET, request))
  })
})
