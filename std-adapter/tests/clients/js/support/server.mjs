//! The server under test: where it is, a space of its own for each test, and events published to it.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'

const url = new URL(required('BELLWIRE_URL'))
const adminToken = required('BELLWIRE_ADMIN_TOKEN')

function required(name) {
  const value = process.env[name]
  assert.ok(value, `set ${name}: see README.md`)
  return value
}

/** The host and port, as the clients' option `host` takes them. */
export const host = url.host

/** Sends a request without any client library. */
export function send(method, path, { token = adminToken, headers = {}, body } = {}) {
  const sent = { authorization: `Bearer ${token}`, ...headers }
  return fetch(new URL(path, url), { method, headers: sent, body })
}

async function sendJson(method, path, object) {
  const response = await send(method, path, { body: JSON.stringify(object) })
  assert.ok(response.ok, `${method} ${path}: ${response.status}`)
  return response.json()
}

/** Makes a space with an id that no other has, and a token that manages it. */
export async function makeSpace(name) {
  const id = `js-${randomUUID()}`
  await sendJson('PUT', `/spaces/${id}`, { name })
  const { token } = await sendJson('POST', `/spaces/${id}/tokens`, { role: 'manage' })
  return { id, token }
}

/** Publishes an event; returns the ids of the webhooks that it is owed to. */
export async function publish(space, topic, payload, headers = {}) {
  const response = await send('POST', `/spaces/${space.id}/events`, {
    token: space.token,
    headers: { 'x-contentful-topic': topic, ...headers },
    body: JSON.stringify(payload),
  })
  assert.equal(response.status, 202)
  const { webhooks } = await response.json()
  return webhooks.map((link) => link.sys.id)
}
