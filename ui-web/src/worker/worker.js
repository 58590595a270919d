/**
 * Keeps one build of the page, whole, so that it opens without the agent that served it, and never
 * half in one version and half in another. A newer build is taken once all pages of the older one
 * are closed.
 */

const CACHE = 'page __VERSION__'
const FILES = JSON.parse('__FILES__')

/** Where people open the page. It is the same document everywhere. */
const PLACES = ['/chat', '/needs', '/automations', '/runs', '/costs', '/connections', '/devices', '/settings']

self.addEventListener('install', (event) => {
  event.waitUntil(keep())
  // A browser that can takes the files without this worker, whose start costs a third of a second on a phone.
  if (!event.addRoutes) return
  const open = ['/', ...PLACES].map((path) => ({ requestMode: 'navigate', urlPattern: here(path) }))
  const files = FILES.filter((path) => path !== '/').map((path) => ({ urlPattern: here(path) }))
  const condition = { or: [...open, ...files] }
  // Where that fails the worker does it.
  event.waitUntil(event.addRoutes([{ condition, source: { cacheName: CACHE } }]).catch(() => undefined))
})

function here(pathname) {
  return new URLPattern({ pathname, search: '', baseURL: self.location.origin })
}

async function keep() {
  const cache = await caches.open(CACHE)
  await cache.addAll(FILES)
  const page = await cache.match('/')
  await Promise.all(PLACES.map((path) => cache.put(path, page.clone())))
}

self.addEventListener('activate', (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) =>
        Promise.all(
          names.filter((name) => name !== CACHE && name !== SEEN).map((name) => caches.delete(name)),
        ),
      ),
  )
})

self.addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method !== 'GET' || url.origin !== self.location.origin) return
  const path = request.mode === 'navigate' ? '/' : url.pathname
  if (!FILES.includes(path)) return
  event.respondWith(caches.open(CACHE).then(async (cache) => (await cache.match(path)) ?? fetch(request)))
})

/** Ids of pushes that were shown, so that one that comes twice is shown once. */
const SEEN = 'pushes seen'
const SEVERAL = 'several'

self.addEventListener('push', (event) => event.waitUntil(pushed(read(event.data))))

function read(data) {
  try {
    return data.json()
  } catch {
    return null
  }
}

async function pushed(push) {
  if (push === null || typeof push !== 'object') return
  const tag = push.need ?? (push.kind === 'test' ? 'test' : SEVERAL)
  if (push.kind === 'settled') {
    for (const shown of await self.registration.getNotifications({ tag })) shown.close()
    return
  }
  if (!push.title || !(await isNew(`${push.id} ${push.at}`)) || (await isSeen(push))) return
  await self.registration.showNotification(push.title, {
    body: push.text ?? '',
    tag,
    // Another push about the same is news; a browser that sees it the first time is told by sound.
    renotify: true,
    icon: '/icon.svg',
    data: { open: opens(push) },
  })
}

function opens(push) {
  if (push.kind === 'test') return '/settings'
  return push.need ? `/needs/${push.need}` : '/needs'
}

async function isNew(name) {
  const cache = await caches.open(SEEN)
  const kept = await cache.match('/')
  const names = kept ? await kept.json() : []
  if (names.includes(name)) return false
  await cache.put('/', new Response(JSON.stringify([name, ...names].slice(0, 200))))
  return true
}

/** Whether a person looks at the item this very moment. Another place of the page does not count. */
async function isSeen(push) {
  if (push.kind === 'test') return false
  const windows = await self.clients.matchAll({ type: 'window' })
  return windows.some((client) => {
    const path = new URL(client.url).pathname
    return client.focused && (path === '/needs' || path === '/' || path === opens(push))
  })
}

self.addEventListener('notificationclick', (event) => {
  event.notification.close()
  event.waitUntil(open(event.notification.data?.open ?? '/needs'))
})

async function open(path) {
  const windows = await self.clients.matchAll({ type: 'window' })
  const there = windows.find((client) => client.focused) ?? windows[0]
  if (!there) return self.clients.openWindow(path)
  there.postMessage({ open: path })
  return there.focus()
}

// The page tells the agent of the new subscription when it is opened the next time.
self.addEventListener('pushsubscriptionchange', (event) => {
  const options = event.oldSubscription?.options
  if (options) event.waitUntil(self.registration.pushManager.subscribe(options))
})
