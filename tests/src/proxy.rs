//! A bad line to the mail server: a proxy that speaks SMTP just well enough to fail at a chosen
//! point of the conversation.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What goes wrong with one conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Nothing.
    None,
    /// The connection is closed at once.
    Refused,
    /// Nothing is ever said.
    Silent,
    /// The server is too busy (421 for a greeting).
    Busy,
    /// Closed when the client wants to hand over the message: nothing was sent.
    ResetBeforeData,
    /// Closed in the middle of the message: nothing was sent, but the client cannot know.
    ResetInData,
    /// The server took the message; the client never hears of it, the connection is closed.
    ReplySwallowed,
    /// The server took the message; the client waits for the answer in vain.
    ReplyHeldBack,
    /// The server refuses the message for now (451): nothing was sent.
    RefusedForNow,
    /// Every answer comes late.
    Slow,
}

impl Fault {
    /// Everything that can go wrong, and what does not.
    pub const ALL: [Self; 10] = [
        Self::None,
        Self::Refused,
        Self::Silent,
        Self::Busy,
        Self::ResetBeforeData,
        Self::ResetInData,
        Self::ReplySwallowed,
        Self::ReplyHeldBack,
        Self::RefusedForNow,
        Self::Slow,
    ];
}

struct Shared {
    server: SocketAddr,
    /// Of a hundred conversations, how many go wrong.
    percent: AtomicU64,
    random: Mutex<fastrand::Rng>,
    /// What happens to the next conversations, before anything is drawn.
    planned: Mutex<std::collections::VecDeque<Fault>>,
    open: AtomicUsize,
    met: Mutex<std::collections::BTreeMap<Fault, u64>>,
    ended: AtomicBool,
}

/// The proxy; takes no new conversations when dropped.
pub struct SmtpProxy {
    shared: Arc<Shared>,
    /// Where it listens, on loopback.
    pub port: u16,
}

impl SmtpProxy {
    /// A proxy before the server on a loopback port; `percent` of a hundred conversations go wrong
    /// in a way drawn from `seed`.
    pub fn new(server: u16, percent: u64, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            server: SocketAddr::from(([127, 0, 0, 1], server)),
            percent: AtomicU64::new(percent),
            random: Mutex::new(fastrand::Rng::with_seed(seed)),
            planned: Mutex::default(),
            open: AtomicUsize::new(0),
            met: Mutex::default(),
            ended: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if accepting.ended.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(client) = client else { continue };
                let shared = Arc::clone(&accepting);
                shared.open.fetch_add(1, Ordering::SeqCst);
                std::thread::spawn(move || {
                    let fault = shared.draw();
                    *shared.met.lock().unwrap().entry(fault).or_insert(0) += 1;
                    // Broken conversations are what this is for.
                    let _ = converse(client, shared.server, fault);
                    shared.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { shared, port }
    }

    /// From now on so many of a hundred conversations go wrong.
    pub fn set_percent(&self, percent: u64) {
        self.shared.percent.store(percent, Ordering::SeqCst);
    }

    /// What happens to the next conversations, one each.
    pub fn plan(&self, faults: &[Fault]) {
        self.shared.planned.lock().unwrap().extend(faults);
    }

    /// How many conversations are under way.
    pub fn open(&self) -> usize {
        self.shared.open.load(Ordering::SeqCst)
    }

    /// How often each fault was met.
    pub fn met(&self) -> Vec<(Fault, u64)> {
        let met = self.shared.met.lock().unwrap();
        met.iter().map(|(fault, n)| (*fault, *n)).collect()
    }
}

impl Drop for SmtpProxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // Wakes the listener.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Shared {
    fn draw(&self) -> Fault {
        if let Some(planned) = self.planned.lock().unwrap().pop_front() {
            return planned;
        }
        let mut random = self.random.lock().unwrap();
        if random.u64(0..100) >= self.percent.load(Ordering::SeqCst) {
            return Fault::None;
        }
        Fault::ALL[random.usize(1..Fault::ALL.len())]
    }
}

fn converse(client: TcpStream, server: SocketAddr, fault: Fault) -> io::Result<()> {
    client.set_nodelay(true)?;
    client.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut client = BufReader::new(client);
    match fault {
        Fault::Refused => return Ok(()),
        Fault::Silent => return until_closed(&mut client),
        Fault::Busy => return client.get_mut().write_all(b"421 too busy\r\n"),
        _ => {}
    }
    let server = TcpStream::connect(server)?;
    server.set_nodelay(true)?;
    server.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut server = BufReader::new(server);
    let say = |client: &mut BufReader<TcpStream>, reply: &[u8]| {
        if fault == Fault::Slow {
            std::thread::sleep(Duration::from_millis(40));
        }
        client.get_mut().write_all(reply)
    };
    let greeting = reply(&mut server)?;
    say(&mut client, &greeting)?;
    loop {
        let line = line(&mut client)?;
        let data = line.eq_ignore_ascii_case(b"DATA\r\n");
        if data && fault == Fault::ResetBeforeData {
            return Ok(());
        }
        if data && fault == Fault::RefusedForNow {
            say(&mut client, b"451 try again later\r\n")?;
            continue;
        }
        server.get_mut().write_all(&line)?;
        let answer = reply(&mut server)?;
        say(&mut client, &answer)?;
        if !data || !answer.starts_with(b"354") {
            continue;
        }
        let message = message(&mut client)?;
        if fault == Fault::ResetInData {
            server.get_mut().write_all(&message[..message.len() / 2])?;
            return Ok(());
        }
        server.get_mut().write_all(&message)?;
        let answer = reply(&mut server)?;
        match fault {
            Fault::ReplySwallowed => return Ok(()),
            Fault::ReplyHeldBack => return until_closed(&mut client),
            _ => say(&mut client, &answer)?,
        }
    }
}

fn until_closed(client: &mut BufReader<TcpStream>) -> io::Result<()> {
    while !line(client)?.is_empty() {}
    Ok(())
}

fn line(from: &mut BufReader<TcpStream>) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    if from.read_until(b'\n', &mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line)
}

/// A reply with all its lines.
fn reply(from: &mut BufReader<TcpStream>) -> io::Result<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let line = line(from)?;
        let last = line.get(3) != Some(&b'-');
        whole.extend(line);
        if last {
            return Ok(whole);
        }
    }
}

/// A message with the dot at its end.
fn message(from: &mut BufReader<TcpStream>) -> io::Result<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let line = line(from)?;
        let end = line == b".\r\n";
        whole.extend(line);
        if end {
            return Ok(whole);
        }
    }
}
