/**
 * Keeps one build of the page, whole, so that it opens without the agent that served it, and never
 * half in one version and half in another. A newer build is taken once all pages of the older one
 * are closed.
 */

const CACHE = 'page __VERSION__'
const FILES = JSON.parse('__FILES__')

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES)))
})

self.addEventListener('activate', (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) =>
        Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name))),
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
