/** This browser's side of notifications: its subscription, and what it shows of them. */

import type { PushTarget } from '../deputy/ask'
import type { Deputy } from '../deputy/deputy'
import type { Quiet } from '../deputy/types'

/** The endpoint that the agent was told of last. */
const TOLD = 'deputy.push'

/** What `src/worker/worker.js` calls the one notification of several items. */
const SEVERAL = 'several'

export type Support = 'none' | 'blocked' | 'possible'

/** Whether this browser can be reached while the page is closed. */
export function support(): Support {
  if (!('serviceWorker' in navigator) || !('PushManager' in window) || !('Notification' in window)) {
    return 'none'
  }
  return Notification.permission === 'denied' ? 'blocked' : 'possible'
}

/** Whether this browser was turned on and may show something. */
export function isOn(): boolean {
  return (
    localStorage.getItem(TOLD) !== null && support() === 'possible' && Notification.permission === 'granted'
  )
}

function target(subscription: PushSubscription): PushTarget {
  const { endpoint, keys } = subscription.toJSON()
  return { provider: 'web', endpoint: endpoint ?? '', p256dh: keys?.p256dh ?? '', auth: keys?.auth ?? '' }
}

/** A subscription for this agent; one for another is of no use. */
async function subscription(key: string): Promise<PushSubscription> {
  const { pushManager } = await navigator.serviceWorker.ready
  const wanted = { userVisibleOnly: true, applicationServerKey: key }
  try {
    return await pushManager.subscribe(wanted)
  } catch (error) {
    const old = await pushManager.getSubscription()
    if (!old) throw error
    await old.unsubscribe()
    return pushManager.subscribe(wanted)
  }
}

/** Another agent is asked anew whether it may tell this browser. */
export function forgetPushes(): void {
  localStorage.removeItem(TOLD)
}

async function tell(deputy: Deputy, quiet: Quiet | undefined): Promise<void> {
  const made = target(await subscription(await deputy.ask({ ask: 'push_key' })))
  await deputy.ask({ ask: 'push_subscribe', target: made, ...(quiet ? { quiet } : {}) })
  localStorage.setItem(TOLD, made.endpoint)
}

/** Asks the person, then the browser, then tells the agent. Throws `{message}`. */
export async function turnOn(deputy: Deputy, quiet?: Quiet): Promise<void> {
  const permission = await Notification.requestPermission()
  if (permission !== 'granted') {
    throw new Error('This browser does not allow it. Change that in its settings for this page.')
  }
  await tell(deputy, quiet)
}

export async function turnOff(deputy: Deputy): Promise<void> {
  localStorage.removeItem(TOLD)
  // The agent first: what it no longer sends need not be refused.
  await deputy.ask({ ask: 'push_unsubscribe' })
  const { pushManager } = await navigator.serviceWorker.ready
  await (await pushManager.getSubscription())?.unsubscribe()
}

/** Tells the agent when the browser has another subscription by now, or the agent lost it. */
export async function renew(deputy: Deputy, isGone: boolean, quiet?: Quiet): Promise<void> {
  if (!isOn()) return
  const { pushManager } = await navigator.serviceWorker.ready
  const present = await pushManager.getSubscription()
  if (!isGone && present?.endpoint === localStorage.getItem(TOLD)) return
  if (isGone) await present?.unsubscribe()
  await tell(deputy, quiet)
}

/** Takes away what is shown of items that need nobody any more. */
export async function tidy(open: readonly string[]): Promise<void> {
  if (support() !== 'possible' || Notification.permission !== 'granted') return
  const registration = await navigator.serviceWorker.getRegistration()
  for (const shown of (await registration?.getNotifications()) ?? []) {
    const isOver =
      shown.tag === SEVERAL ? open.length === 0 : /^n\d+$/.test(shown.tag) && !open.includes(shown.tag)
    if (isOver) shown.close()
  }
}

/** Calls `go` when a notification is tapped while the page is open. */
export function onTap(go: (path: string) => void): () => void {
  if (!('serviceWorker' in navigator)) return () => undefined
  const hear = ({ data }: MessageEvent<unknown>) => {
    if (typeof data !== 'object' || data === null || !('open' in data)) return
    const { open } = data
    if (typeof open === 'string' && open.startsWith('/') && !open.startsWith('//')) go(open)
  }
  navigator.serviceWorker.addEventListener('message', hear)
  return () => navigator.serviceWorker.removeEventListener('message', hear)
}
