//! A proxy in front of a broker that can be told to swallow all: the line dies without a word, as behind a router that
//! lost its power. What was connected through it then stays dead; what connects while it swallows is never answered.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

pub(crate) struct Blackhole {
    port: u16,
    swallows: Arc<AtomicBool>,
}

impl Blackhole {
    /// In front of `broker`, a port of this machine.
    pub(crate) fn before(broker: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let swallows = Arc::new(AtomicBool::new(false));
        let state = swallows.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, state) = (stream.expect("a connection"), state.clone());
                thread::spawn(move || serve(stream, broker, &state));
            }
        });
        Self { port, swallows }
    }

    pub(crate) fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    /// From now on, or no more.
    pub(crate) fn swallow(&self, swallow: bool) {
        self.swallows.store(swallow, Ordering::SeqCst);
    }
}

fn serve(client: TcpStream, broker: u16, swallows: &Arc<AtomicBool>) {
    let dead = Arc::new(AtomicBool::new(swallows.load(Ordering::SeqCst)));
    let Ok(server) = TcpStream::connect(("127.0.0.1", broker)) else {
        return;
    };
    let copy = |stream: &TcpStream| stream.try_clone().expect("another handle");
    let (there, back) = ((copy(&client), copy(&server)), (server, client));
    let pumps = [there, back].map(|(from, to)| {
        let (dead, swallows) = (dead.clone(), swallows.clone());
        thread::spawn(move || pump(from, to, &dead, &swallows))
    });
    for pump in pumps {
        pump.join().expect("a pump");
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream, dead: &AtomicBool, swallows: &AtomicBool) {
    let mut bytes = [0; 4_096];
    loop {
        let count = from.read(&mut bytes).unwrap_or(0);
        if swallows.load(Ordering::SeqCst) {
            dead.store(true, Ordering::SeqCst);
        }
        if count == 0 {
            break;
        }
        if !dead.load(Ordering::SeqCst) && to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    // A dead line does not tell of its end either.
    if !dead.load(Ordering::SeqCst) {
        let _ = to.shutdown(std::net::Shutdown::Both);
    }
}
