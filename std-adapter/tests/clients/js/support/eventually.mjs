//! Waiting for what happens elsewhere: looks again and again until it is there or the deadline has passed.

import { setTimeout as sleep } from 'node:timers/promises'

const DEADLINE_MS = 20_000
const PAUSE_MS = 20

/** The first truthy value of `look()`. */
export async function eventually(what, look) {
  const deadline = Date.now() + DEADLINE_MS
  for (;;) {
    const found = await look()
    if (found) return found
    if (Date.now() > deadline) throw new Error(`waited ${DEADLINE_MS} ms for ${what}`)
    await sleep(PAUSE_MS)
  }
}
