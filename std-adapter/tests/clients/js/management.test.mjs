//! One suite of management calls that every version and style of contentful-management passes.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { clients } from './support/clients.mjs'
import { eventually } from './support/eventually.mjs'
import { startReceiver } from './support/receiver.mjs'
import { makeSpace, publish, send } from './support/server.mjs'

// Of a topic that no test publishes, so that nobody calls the example.
const hook = (changes) => ({ name: 'hook', url: 'https://www.example.com/hook', topics: ['Entry.publish'], ...changes })
const entry = { sys: { type: 'Entry', id: 'hello' } }

/** Passes for the error that the client makes of an error object: its name, and the JSON text of its message. */
const failure = (name, status, more = () => {}) => (error) => {
  assert.equal(error.name, name)
  const told = JSON.parse(error.message)
  assert.equal(told.status, status)
  assert.match(told.requestId, /^[0-9a-f]{32}$/)
  more(told)
  return true
}

for (const { name, open, takesQuery, hasSettings } of clients) {
  describe(name, () => {
    let space, client, receiver
    before(async () => {
      space = await makeSpace(name)
      client = await open(space)
      receiver = await startReceiver((request) => (request.path === '/broken' ? 500 : 200))
    })
    after(() => receiver.stop())

    test('creates a webhook with an id of the server', async () => {
      const webhook = await client.create(hook({ name: 'foo' }))
      const { sys, ...fields } = JSON.parse(JSON.stringify(webhook))
      assert.deepEqual(fields, {
        name: 'foo',
        url: 'https://www.example.com/hook',
        httpBasicUsername: null,
        headers: [],
        topics: ['Entry.publish'],
        filters: null,
        transformation: null,
        active: true,
      })
      assert.match(sys.id, /^[0-9A-Za-z]{22}$/)
      assert.equal(sys.type, 'WebhookDefinition')
      assert.equal(sys.version, 0)
      assert.equal(sys.space.sys.id, space.id)
    })

    test('creates a webhook with a chosen id', async () => {
      const webhook = await client.createWithId('my-own_id.1', hook())
      assert.equal(webhook.sys.id, 'my-own_id.1')
      assert.equal((await client.read('my-own_id.1')).name, 'hook')
    })

    test('keeps filters, transformation and active as given', async () => {
      const rich = {
        active: false,
        topics: ['Entry.publish', 'Asset.*'],
        filters: [
          { equals: [{ doc: 'sys.environment.sys.id' }, 'master'] },
          { not: { in: [{ doc: 'sys.contentType.sys.id' }, ['a', 'b']] } },
          { regexp: [{ doc: 'sys.id' }, { pattern: '^h' }] },
        ],
        headers: [{ key: 'X-Plain', value: 'v' }],
        transformation: {
          method: 'PUT',
          contentType: 'application/json',
          includeContentLength: true,
          body: { id: '{ /payload/sys/id }' },
        },
      }
      const { sys } = await client.create(hook(rich))
      const webhook = await client.read(sys.id)
      for (const [field, value] of Object.entries(rich)) assert.deepEqual(webhook[field], value, field)
    })

    test('lists webhooks', async () => {
      const before = await client.list()
      const { sys } = await client.create(hook({ name: 'listed' }))
      const list = await client.list()
      assert.equal(list.sys.type, 'Array')
      assert.equal(list.total, before.total + 1)
      assert.equal(list.items.at(-1).sys.id, sys.id)
    })

    test('updates a webhook', async () => {
      const { sys } = await client.create(hook({ headers: [{ key: 'X-A', value: '1' }] }))
      const webhook = await client.read(sys.id)
      const updated = await client.update(webhook, { name: 'renamed', active: false })
      assert.deepEqual([updated.name, updated.active, updated.sys.version], ['renamed', false, 1])
      assert.deepEqual(updated.headers, [{ key: 'X-A', value: '1' }])
      const again = await client.update(updated, { active: true })
      assert.deepEqual([again.name, again.active, again.sys.version], ['renamed', true, 2])
    })

    test('refuses an update of an old version', async () => {
      const { sys } = await client.create(hook())
      const mine = await client.read(sys.id)
      const theirs = await client.read(sys.id)
      await client.update(theirs, { name: 'theirs' })
      await assert.rejects(client.update(mine, { name: 'mine' }), failure('VersionMismatch', 409))
      assert.equal((await client.read(sys.id)).name, 'theirs')
    })

    test('deletes a webhook', async () => {
      const webhook = await client.create(hook())
      await client.delete(webhook)
      const gone = failure('NotFound', 404, ({ details }) => assert.equal(details.type, 'WebhookDefinition'))
      await assert.rejects(client.read(webhook.sys.id), gone)
      await assert.rejects(client.delete(webhook), gone)
      await assert.rejects(client.calls(webhook), failure('NotFound', 404))
    })

    test('keeps secrets through an update that never saw them', async () => {
      const { sys } = await client.create(
        hook({
          url: `${receiver.url}/secrets`,
          topics: ['Secrets.kept'],
          httpBasicUsername: 'user',
          httpBasicPassword: 'pass',
          headers: [{ key: 'X-Key', value: 'hidden', secret: true }, { key: 'X-Plain', value: 'shown' }],
        }),
      )
      const webhook = await client.read(sys.id)
      assert.equal(webhook.httpBasicUsername, 'user')
      assert.equal('httpBasicPassword' in webhook, false)
      assert.deepEqual(webhook.headers, [{ key: 'X-Key', secret: true }, { key: 'X-Plain', value: 'shown' }])
      await client.update(webhook, { name: 'renamed' })

      assert.deepEqual(await publish(space, 'Secrets.kept', entry), [sys.id])
      const [{ headers }] = await receiver.received(1)
      assert.equal(headers['x-contentful-webhook-name'], 'renamed')
      assert.equal(headers.authorization, `Basic ${Buffer.from('user:pass').toString('base64')}`)
      assert.deepEqual([headers['x-key'], headers['x-plain']], ['hidden', 'shown'])
      assert.doesNotMatch(JSON.stringify(await onlyCall(client, webhook)), /hidden|dXNlcjpwYXNz/)
    })

    test('reads calls and health', async () => {
      const webhook = await client.create(hook({ url: `${receiver.url}/broken`, topics: ['Calls.read'] }))
      assert.deepEqual((await client.calls(webhook)).items, [])
      await publish(space, 'Calls.read', entry)
      const list = await eventually('three attempts', async () => {
        const list = await client.calls(webhook)
        return list.total === 3 && list
      })
      assert.deepEqual(list.items.map((call) => call.attempt), [3, 2, 1])
      if (takesQuery) {
        const page = await client.calls(webhook, { limit: 1, skip: 1 })
        assert.deepEqual(page.items, [list.items[1]])
      }
      const [call] = list.items
      assert.equal(call.sys.type, 'WebhookCallOverview')
      assert.equal(call.sys.createdBy.sys.id, webhook.sys.id)
      assert.deepEqual([call.statusCode, call.errors, call.eventType], [500, ['ServerError'], 'read'])
      assert.ok(Date.parse(call.responseAt) >= Date.parse(call.requestAt))

      const details = await client.call(webhook, call.sys.id)
      assert.equal(details.sys.type, 'WebhookCallDetails')
      assert.equal(details.request.url, `${receiver.url}/broken`)
      assert.equal(details.request.method, 'POST')
      assert.deepEqual(JSON.parse(details.request.body), entry)
      assert.equal(details.request.timeout, 30000)
      assert.equal(details.response.statusCode, 500)
      assert.equal(details.response.body, 'received')
      assert.equal(details.response.headers['x-receiver'], 'yes')
      await assert.rejects(client.call(webhook, 'no-such-call'), failure('NotFound', 404))

      const health = await client.health(webhook)
      assert.deepEqual(health.calls, { total: 3, healthy: 0 })
      assert.equal(health.sys.id, webhook.sys.id)
    })

    test('tells what is wrong with a definition', async () => {
      const told = ({ details }) => assert.ok(details.errors.some((error) => /topics/i.test(error.details)))
      await assert.rejects(client.create(hook({ topics: [] })), failure('ValidationFailed', 422, told))
      await assert.rejects(
        client.create(hook({ filters: [{ equals: ['no', 'doc'] }] })),
        failure('ValidationFailed', 422, ({ details }) => assert.equal(details.errors[0].path, 'filters')),
      )
    })

    test('refuses a wrong token', async () => {
      const listing = async () => (await open({ ...space, token: 'wrong' })).list()
      await assert.rejects(listing, failure('AccessTokenInvalid', 401))
    })

    test('knows no space but its own', async () => {
      const listing = async () => (await open({ ...space, id: 'elsewhere' })).list()
      await assert.rejects(listing, failure('NotFound', 404))
    })

    if (takesQuery) {
      test('lists webhooks with a query', async () => {
        const made = await client.create(hook())
        await client.create(hook())
        const { total } = await client.list({})
        const page = await client.list({ limit: 1, skip: 1, order: '-sys.createdAt' })
        assert.deepEqual([page.total, page.limit, page.skip], [total, 1, 1])
        assert.deepEqual(page.items.map((webhook) => webhook.sys.id), [made.sys.id])
        await assert.rejects(client.list({ limit: 'many' }), failure('InvalidQuery', 400))
      })
    }

    if (!hasSettings) return

    test('puts, reads and deletes the signing secret', async () => {
      const value = `${'s'.repeat(60)}wxyz`
      await assert.rejects(client.signingSecret.read(), failure('NotFound', 404))
      const put = await client.signingSecret.put({ value })
      assert.equal(put.redactedValue, 'wxyz')
      assert.equal(put.sys.type, 'WebhookSigningSecret')
      assert.deepEqual(await client.signingSecret.read(), put)
      await assert.rejects(client.signingSecret.put({ value: 'short' }), failure('ValidationFailed', 422))
      await client.signingSecret.delete()
      await assert.rejects(client.signingSecret.read(), failure('NotFound', 404))
    })

    test('puts, reads and deletes the retry policy', async () => {
      await assert.rejects(client.retryPolicy.read(), failure('NotFound', 404))
      const put = await client.retryPolicy.put({ maxRetries: 15 })
      assert.equal(put.maxRetries, 15)
      assert.equal(put.sys.type, 'WebhookRetryPolicy')
      assert.deepEqual(await client.retryPolicy.read(), put)
      await assert.rejects(client.retryPolicy.put({ maxRetries: 100 }), failure('ValidationFailed', 422))
      await client.retryPolicy.delete()
      await assert.rejects(client.retryPolicy.read(), failure('NotFound', 404))
    })
  })
}

/** The details of a webhook's first call, once it is in the log. */
async function onlyCall(client, webhook) {
  const call = await eventually('the call', async () => (await client.calls(webhook)).items[0])
  return client.call(webhook, call.sys.id)
}

test('a client that asks too fast waits until it may', async (t) => {
  t.mock.method(console, 'log', () => {})
  const space = await makeSpace('fast')
  const client = await clients[0].open(space)
  const answers = await Promise.all(Array.from({ length: 150 }, () => client.list()))
  assert.ok(answers.every((list) => list.total === 0))
})

test('answers carry the rate limits that clients read', async () => {
  const space = await makeSpace('rates')
  const response = await send('GET', `/spaces/${space.id}/webhook_definitions`, { token: space.token })
  const number = (name) => Number(response.headers.get(`x-contentful-ratelimit-${name}`) ?? 'absent')
  assert.equal(number('second-remaining'), number('second-limit') - 1)
  assert.equal(number('hour-remaining'), number('hour-limit') - 1)
  assert.equal(number('reset'), 0)
  await response.body.cancel()
})
