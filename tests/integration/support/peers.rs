//! Brokers that misbehave, on threads of their own: they take connections on a free port and answer as told.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

/// Takes connections for as long as the test runs; `serve` gets each with its number. Returns the port.
pub(crate) fn peer(serve: impl Fn(usize, TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    let serve = std::sync::Arc::new(serve);
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let (serve, stream) = (serve.clone(), stream.expect("a connection"));
            thread::spawn(move || serve(number, stream));
        }
    });
    port
}

/// Answers whatever comes first with `answer`, then waits for the other side to go.
pub(crate) fn answers(answer: &'static [u8]) -> u16 {
    peer(move |_, mut stream| {
        let mut first = [0; 1024];
        let _ = stream.read(&mut first);
        let _ = stream.write_all(answer);
        let _ = stream.read_to_end(&mut Vec::new());
    })
}

/// Reads and says nothing.
pub(crate) fn silent() -> u16 {
    peer(|_, mut stream| {
        let _ = stream.read_to_end(&mut Vec::new());
    })
}

/// Closes after the first bytes.
pub(crate) fn closes() -> u16 {
    peer(|_, mut stream| {
        let _ = stream.read(&mut [0; 1024]);
    })
}

/// Reads one whole packet; `None` at the end.
pub(crate) fn packet(stream: &mut impl Read) -> Option<Vec<u8>> {
    let mut packet = vec![0; 2];
    stream.read_exact(&mut packet).ok()?;
    let (mut length, mut shift) = (usize::from(packet[1] & 0x7F), 7);
    while packet[packet.len() - 1] & 0x80 != 0 {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        packet.push(byte[0]);
        length |= usize::from(byte[0] & 0x7F) << shift;
        shift += 7;
    }
    let head = packet.len();
    packet.resize(head + length, 0);
    stream.read_exact(&mut packet[head..]).ok()?;
    Some(packet)
}
