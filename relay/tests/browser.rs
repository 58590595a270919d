//! A real browser, headless: WebTransport with the certificate's hash, and WebSocket. Chromium is
//! large, so this runs when it is asked for: `cargo test -p deputy-relay --test browser -- --ignored`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::*;
use deputy_link::Carrier;
use deputy_relay::Relay;
use std::process::Stdio;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::time::timeout;

/// Speaks the link from a page: greets, dials, sends 200,000 bytes and compares what comes back.
const PAGE: &str = r#"<!doctype html><meta charset="utf-8"><script>
const frame = message => {
  const body = new TextEncoder().encode(JSON.stringify(message));
  const bytes = new Uint8Array(2 + body.length);
  new DataView(bytes.buffer).setUint16(0, body.length);
  bytes.set(body, 2);
  return bytes;
};
class Bytes {
  constructor(next) { this.next = next; this.rest = new Uint8Array(0); }
  async take(n) {
    while (this.rest.length < n) {
      const more = await this.next();
      if (!more) throw new Error('ended early');
      const joined = new Uint8Array(this.rest.length + more.length);
      joined.set(this.rest); joined.set(more, this.rest.length);
      this.rest = joined;
    }
    const taken = this.rest.slice(0, n);
    this.rest = this.rest.slice(n);
    return taken;
  }
  async message() {
    const head = await this.take(2);
    const body = await this.take(head[0] * 256 + head[1]);
    return JSON.parse(new TextDecoder().decode(body));
  }
}
const hello = { type: 'hello', versions: [1], role: 'client' };
const said = new Uint8Array(200000).map((_, i) => i * 13);
async function converse(bytes, send) {
  await send(said);
  const back = await bytes.take(said.length);
  if (back.some((byte, i) => byte !== said[i])) throw new Error('altered');
}
async function webtransport() {
  const session = new WebTransport(`https://127.0.0.1:PORT/deputy/link`, {
    serverCertificateHashes: [{ algorithm: 'sha-256', value: new Uint8Array(HASH) }],
  });
  await session.ready;
  const open = async first => {
    const stream = await session.createBidirectionalStream();
    const reader = stream.readable.getReader(), writer = stream.writable.getWriter();
    const bytes = new Bytes(async () => (await reader.read()).value);
    await writer.write(frame(first));
    return { bytes, writer, answer: await bytes.message() };
  };
  const control = await open(hello);
  if (control.answer.type !== 'welcome') throw new Error(JSON.stringify(control.answer));
  const dialled = await open({ type: 'dial', route: 'ROUTE' });
  if (dialled.answer.type !== 'connected') throw new Error(JSON.stringify(dialled.answer));
  // Not awaited as a whole: the echo comes while the rest still goes.
  await converse(dialled.bytes, async all => { dialled.writer.write(all); });
}
async function websocket() {
  const socket = new WebSocket(`wss://127.0.0.1:PORT/deputy/link`);
  socket.binaryType = 'arraybuffer';
  const queue = [], waiting = [];
  socket.onmessage = event => {
    const bytes = new Uint8Array(event.data);
    waiting.length ? waiting.shift()(bytes) : queue.push(bytes);
  };
  await new Promise((done, fail) => { socket.onopen = done; socket.onerror = () => fail(new Error('no WebSocket')); });
  const bytes = new Bytes(() => queue.length ? queue.shift() : new Promise(done => waiting.push(done)));
  socket.send(frame(hello));
  let answer = await bytes.message();
  if (answer.type !== 'welcome') throw new Error(JSON.stringify(answer));
  socket.send(frame({ type: 'dial', route: 'ROUTE' }));
  answer = await bytes.message();
  if (answer.type !== 'connected') throw new Error(JSON.stringify(answer));
  await converse(bytes, async all => {
    for (let at = 0; at < all.length; at += 65536) socket.send(all.slice(at, at + 65536));
  });
}
(async () => {
  let result;
  try { await CARRIER(); result = 'ok'; } catch (error) { result = String(error); }
  await fetch('/result', { method: 'POST', body: result });
})();
</script>"#;

/// Serves the page, and gives what it reports.
async fn report(listener: TcpListener, page: String) -> String {
    loop {
        let (mut tcp, _) = listener.accept().await.unwrap();
        let mut request = String::new();
        let mut piece = [0; 4096];
        while !request.contains("\r\n\r\n") {
            match tcp.read(&mut piece).await {
                Ok(0) | Err(_) => break,
                Ok(n) => request.push_str(&String::from_utf8_lossy(&piece[..n])),
            }
        }
        let (head, body) = request.split_once("\r\n\r\n").unwrap_or_default();
        if head.starts_with("POST /result") {
            let mut body = body.to_owned();
            if body.is_empty() {
                let n = tcp.read(&mut piece).await.unwrap();
                body = String::from_utf8_lossy(&piece[..n]).into_owned();
            }
            return body;
        }
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
            page.len()
        );
        let _ = tcp.write_all(answer.as_bytes()).await;
    }
}

#[tokio::test]
#[ignore = "needs Chromium"]
async fn a_page_reaches_an_agent_by_webtransport_and_by_websocket() {
    let relay = Relay::start(config()).unwrap();
    let _link = echo_agent(&relay, 1, Carrier::Quic, &[salt(1)]).await;
    for carrier in ["webtransport", "websocket"] {
        let page = PAGE
            .replace("PORT", &relay.address().port().to_string())
            .replace("HASH", &format!("{:?}", relay.certificate_hash()))
            .replace("ROUTE", &route(1, salt(1)).to_string())
            .replace("CARRIER", carrier);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!(
            "http://localhost:{}/",
            listener.local_addr().unwrap().port()
        );
        let profile = tempfile::tempdir().unwrap();
        let mut browser = Command::new("chromium");
        browser
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--disable-sync",
            ])
            .args([
                "--disable-background-networking",
                "--disable-component-update",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()));
        // A browser has no other way to believe a self-signed certificate for a WebSocket.
        if carrier == "websocket" {
            browser.arg("--ignore-certificate-errors");
        }
        let _running = browser
            .arg(url)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let said = timeout(2 * PATIENCE, report(listener, page))
            .await
            .expect("the page did not report");
        assert_eq!(said, "ok", "{carrier}");
    }
}
