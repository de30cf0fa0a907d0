//! A space's webhooks through contentful-export and contentful-import into another space.

import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import runExport from 'contentful-export'
import { createClient } from 'contentful-management'
import { host, makeSpace } from './support/server.mjs'

// Its file for `import` names directories, which Node refuses; its file for `require` works.
const runImport = createRequire(import.meta.url)('contentful-import')

const webhook = {
  name: 'Build the site',
  url: 'https://www.example.com/build',
  topics: ['Entry.publish', 'Entry.unpublish'],
  filters: [{ equals: [{ doc: 'sys.environment.sys.id' }, 'master'] }],
  headers: [{ key: 'X-Plain', value: 'v' }, { key: 'X-Key', value: 'hidden', secret: true }],
  transformation: { contentType: 'application/json', body: { id: '{ /payload/sys/id }' } },
  httpBasicUsername: 'user',
  httpBasicPassword: 'pass',
  active: false,
}

let directory
before(async () => { directory = await mkdtemp(join(tmpdir(), 'bellwire-transfer-')) })
after(() => rm(directory, { recursive: true }))

const clientFor = (space) => createClient({ accessToken: space.token, host, insecure: true })

const target = (space) => ({
  spaceId: space.id,
  managementToken: space.token,
  host,
  insecure: true,
  errorLogFile: join(directory, `${space.id}-errors.json`),
})

const exportWebhooks = (space) =>
  runExport({
    ...target(space),
    exportDir: directory,
    contentFile: 'export.json',
    skipContentModel: true,
    skipContent: true,
    skipRoles: true,
    skipTags: true,
  })

const importWebhooks = (space, content) =>
  runImport({ ...target(space), content, skipContentModel: true, skipContentPublishing: true, rateLimit: 50 })

test('webhooks survive export and import', async (t) => {
  t.mock.method(console, 'log', () => {})
  const [from, to] = [await makeSpace('from'), await makeSpace('to')]
  const made = await clientFor(from).webhook.create({ spaceId: from.id }, webhook)
  // More than a page of 25, the smallest that the exporter may meet: it cannot ask for a second one.
  for (let number = 0; number < 30; number++) {
    await clientFor(from).webhook.create({ spaceId: from.id }, { ...webhook, name: `further ${number}` })
  }

  const exported = await exportWebhooks(from)
  assert.equal(exported.webhooks.length, 31)
  const written = JSON.parse(await readFile(join(directory, 'export.json'), 'utf8'))
  assert.deepEqual(written.webhooks.map((webhook) => webhook.name), exported.webhooks.map((webhook) => webhook.name))

  await importWebhooks(to, { webhooks: written.webhooks })
  const { items } = await clientFor(to).webhook.getMany({ spaceId: to.id })
  assert.equal(items.length, 31)
  const { sys, ...fields } = items.find((item) => item.sys.id === made.sys.id)
  // The importer leaves out what it cannot know: the user name without its password, the header without its value.
  const { httpBasicPassword, ...kept } = webhook
  assert.deepEqual(fields, { ...kept, httpBasicUsername: null, headers: [webhook.headers[0]] })
  assert.equal(sys.space.sys.id, to.id)
})

test('a second import is told about the conflict and changes nothing', async (t) => {
  t.mock.method(console, 'log', () => {})
  const [from, to] = [await makeSpace('from'), await makeSpace('to')]
  const made = await clientFor(from).webhook.create({ spaceId: from.id }, webhook)
  const { webhooks } = await exportWebhooks(from)
  const content = () => JSON.parse(JSON.stringify({ webhooks }))
  await importWebhooks(to, content())
  await assert.rejects(importWebhooks(to, content()), (error) => {
    assert.equal(error.name, 'ContentfulMultiError')
    assert.deepEqual(error.errors.map(({ error }) => error.name), ['VersionMismatch'])
    return true
  })
  const { sys } = await clientFor(to).webhook.get({ spaceId: to.id, webhookDefinitionId: made.sys.id })
  assert.equal(sys.version, 0)
})
