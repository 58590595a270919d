/**
 * The outside world of the seeded automations: a feed, an endpoint for each way to fail, and a mail
 * server that forgets what it takes.
 */

import { createServer } from 'node:http'
import { createServer as createTcp } from 'node:net'

const FEED = `<?xml version="1.0"?><rss version="2.0"><channel><title>Rust Blog</title>
<item><title>Async closures are stable</title><link>http://127.0.0.1:8099/1</link><guid>1</guid><description>async</description></item>
<item><title>Announcing Rust 1.90</title><link>http://127.0.0.1:8099/2</link><guid>2</guid><description>release</description></item>
</channel></rss>`

const invoices = Array.from({ length: 6 }, (_, n) => ({
  id: `2026-${String(n + 118).padStart(4, '0')}`,
  from: ['Stadtwerke', 'Hetzner Online', 'Deutsche Bahn', 'Papier & Co', 'Vattenfall', 'Ikea'][n],
  amount: [84.2, 41.9, 139.0, 23.5, 112.75, 260.0][n],
}))

createServer((request, response) => {
  const path = new URL(request.url, 'http://x').pathname
  const say = (status, type, text) => response.writeHead(status, { 'content-type': type }).end(text)
  if (path === '/feed.xml') return say(200, 'application/rss+xml', FEED)
  if (path === '/invoices.json') return say(200, 'application/json', JSON.stringify(invoices))
  if (path === '/cut') return request.socket.destroy()
  if (path === '/busy') return say(503, 'text/plain', 'try again later')
  if (path === '/gone') return say(404, 'text/plain', 'not here')
  return say(200, 'application/json', JSON.stringify({ ok: true, path }))
}).listen(8099, '127.0.0.1')

createTcp((socket) => {
  let isData = false
  socket.write('220 mail.example ESMTP\r\n')
  socket.on('error', () => {})
  socket.on('data', (bytes) => {
    for (const line of bytes.toString().split('\r\n')) {
      if (isData) {
        if (line === '.') {
          isData = false
          socket.write('250 taken\r\n')
        }
      } else if (/^DATA/i.test(line)) {
        isData = true
        socket.write('354 go on\r\n')
      } else if (/^QUIT/i.test(line)) socket.end('221 bye\r\n')
      else if (/^EHLO/i.test(line)) socket.write('250-mail.example\r\n250 8BITMIME\r\n')
      else if (line) socket.write('250 ok\r\n')
    }
  })
}).listen(8025, '127.0.0.1')
