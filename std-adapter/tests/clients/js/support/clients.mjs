//! The versions and styles of contentful-management behind one set of functions, so that one suite can run them all.
//!
//! Nothing here speaks HTTP: each function is one call of the client.

import * as v12 from 'contentful-management'
import v11 from 'contentful-management-11'
import v7 from 'contentful-management-7'
import { host } from './server.mjs'

const target = (token) => ({ accessToken: token, host, insecure: true })

/** What each version and style is called, how to open it on a space, and what it offers. */
export const clients = [
  {
    name: 'contentful-management 12, plain',
    open: (space) => plain(v12.createClient(target(space.token)), space.id),
    takesQuery: true,
    hasSettings: true,
  },
  {
    name: 'contentful-management 12, legacy',
    open: (space) => chainable(v12.createClient(target(space.token), { type: 'legacy' }), space.id),
    takesQuery: false,
    hasSettings: true,
  },
  {
    name: 'contentful-management 11, plain',
    open: (space) => plain(v11.createClient(target(space.token), { type: 'plain' }), space.id),
    takesQuery: true,
    hasSettings: true,
  },
  {
    name: 'contentful-management 11, chainable',
    open: (space) => chainable(v11.createClient(target(space.token)), space.id),
    takesQuery: false,
    hasSettings: true,
  },
  {
    name: 'contentful-management 7, plain',
    open: (space) => plain(v7.createClient(target(space.token), { type: 'plain' }), space.id),
    takesQuery: true,
    hasSettings: false,
  },
  {
    name: 'contentful-management 7, chainable',
    open: (space) => chainable(v7.createClient(target(space.token)), space.id),
    takesQuery: false,
    hasSettings: false,
  },
]

/** Functions that name what they act on with each call. */
async function plain(client, spaceId) {
  const at = (webhook) => ({ spaceId, webhookDefinitionId: webhook.sys.id })
  const api = client.webhook
  return {
    create: (body) => api.create({ spaceId }, body),
    // The plain client offers no function for this, only its way to any path.
    createWithId: (id, body) => client.raw.put(`/spaces/${spaceId}/webhook_definitions/${id}`, body),
    list: (query) => api.getMany({ spaceId, query }),
    read: (id) => api.get({ spaceId, webhookDefinitionId: id }),
    update: (webhook, changes) => api.update(at(webhook), { ...webhook, ...changes }),
    delete: (webhook) => api.delete(at(webhook)),
    calls: (webhook, query) => api.getManyCallDetails({ ...at(webhook), query }),
    call: (webhook, callId) => api.getCallDetails({ ...at(webhook), callId }),
    health: (webhook) => api.getHealthStatus(at(webhook)),
    signingSecret: {
      read: () => api.getSigningSecret({ spaceId }),
      put: (body) => api.upsertSigningSecret({ spaceId }, body),
      delete: () => api.deleteSigningSecret({ spaceId }),
    },
    retryPolicy: {
      read: () => api.getRetryPolicy({ spaceId }),
      put: (body) => api.upsertRetryPolicy({ spaceId }, body),
      delete: () => api.deleteRetryPolicy({ spaceId }),
    },
  }
}

/** Objects that carry their own functions, beginning with the space. */
async function chainable(client, spaceId) {
  const space = await client.getSpace(spaceId)
  return {
    create: (body) => space.createWebhook(body),
    createWithId: (id, body) => space.createWebhookWithId(id, body),
    list: () => space.getWebhooks(),
    read: (id) => space.getWebhook(id),
    update: (webhook, changes) => Object.assign(webhook, changes).update(),
    delete: (webhook) => webhook.delete(),
    calls: (webhook) => webhook.getCalls(),
    call: (webhook, callId) => webhook.getCall(callId),
    health: (webhook) => webhook.getHealth(),
    signingSecret: {
      read: () => space.getWebhookSigningSecret(),
      put: (body) => space.upsertWebhookSigningSecret(body),
      delete: () => space.deleteWebhookSigningSecret(),
    },
    retryPolicy: {
      read: () => space.getWebhookRetryPolicy(),
      put: (body) => space.upsertWebhookRetryPolicy(body),
      delete: () => space.deleteWebhookRetryPolicy(),
    },
  }
}
