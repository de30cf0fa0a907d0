//! An endpoint for webhooks: keeps what arrives, answers as it is told.

import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { eventually } from './eventually.mjs'

/**
 * Starts an endpoint on a free port. `answer(request, number)` is the status of the answer to the request with this
 * number, counted from 1.
 */
export async function startReceiver(answer = () => 200) {
  const requests = []
  const server = createServer(async (incoming, outgoing) => {
    const { method, url: path, headers } = incoming
    const request = { method, path, headers, body: await text(incoming) }
    requests.push(request)
    outgoing.writeHead(answer(request, requests.length), { 'x-receiver': 'yes' }).end('received')
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    /** Waits until so many requests have arrived; returns all of them. */
    received: (count) => eventually(`${count} requests`, () => requests.length >= count && requests),
    stop: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
