//! A broker that misbehaves as it is told, over TCP or a WebSocket: a script of steps for each connection, or a function
//! that answers each packet. What is not misbehaviour is answered as an honest broker answers it.

use super::peers;
use async_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use async_tungstenite::tungstenite::http::HeaderValue;
use async_tungstenite::tungstenite::{Message, WebSocket, accept_hdr};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// What carries the bytes.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Over {
    Tcp,
    WebSocket,
}

/// Packet types, as the first half-byte has them.
pub(crate) const CONNECT: u8 = 1;
pub(crate) const PUBLISH: u8 = 3;
pub(crate) const SUBSCRIBE: u8 = 8;
pub(crate) const PINGREQ: u8 = 12;

/// What a broker does next.
pub(crate) enum Step {
    /// Answers honestly until a packet of this type has come, that one too.
    Until(u8),
    /// Reads until a packet of this type has come and answers none of them.
    Swallow(u8),
    /// Writes these bytes as they are.
    Send(Vec<u8>),
    /// Writes each of these bytes by itself.
    Dribble(Vec<u8>),
    /// Answers honestly until the other side goes.
    Serve,
    /// Reads no more, until the other side is gone or has waited for so long.
    Hold(Duration),
    /// Closes the connection with a reset; without it, a connection whose script has ended is closed in order.
    Reset,
}

/// A broker that follows `script`, which is given the number of the connection. Returns its URL.
pub(crate) fn scripted(
    over: Over,
    script: impl Fn(usize) -> Vec<Step> + Send + Sync + 'static,
) -> String {
    let port = peers::peer(move |number, stream| {
        // Whoever it talks with may be gone at any step.
        let _ = Line::open(over, stream).and_then(|mut line| line.follow(script(number)));
    });
    url(over, port)
}

/// One packet of the client's.
pub(crate) struct Asked<'a> {
    /// Connections are numbered from 0.
    pub(crate) connection: usize,
    /// The connection is one of 5.0.
    pub(crate) five: bool,
    pub(crate) packet: &'a [u8],
    /// What an honest broker answers; empty where it answers nothing.
    pub(crate) honest: Vec<u8>,
}

/// A broker that answers each packet with what `answer` makes of it; none closes the connection. Returns its URL.
pub(crate) fn answering(
    over: Over,
    answer: impl Fn(Asked<'_>) -> Option<Vec<u8>> + Send + Sync + 'static,
) -> String {
    let port = peers::peer(move |connection, stream| {
        let Ok(mut line) = Line::open(over, stream) else {
            return;
        };
        while let Some(packet) = peers::packet(&mut line) {
            let honest = line.honest(&packet);
            let asked = Asked {
                connection,
                five: line.five,
                packet: &packet,
                honest,
            };
            match answer(asked) {
                Some(bytes) if line.write_all(&bytes).is_ok() => {}
                _ => return,
            }
        }
    });
    url(over, port)
}

fn url(over: Over, port: u16) -> String {
    match over {
        Over::Tcp => format!("mqtt://127.0.0.1:{port}"),
        Over::WebSocket => format!("ws://127.0.0.1:{port}/mqtt"),
    }
}

/// The upgrade's answer names the subprotocol.
#[allow(clippy::result_large_err)] // the library's own type
fn speaks_mqtt(_: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    let mqtt = HeaderValue::from_static("mqtt");
    let headers = response.headers_mut();
    headers.insert("Sec-WebSocket-Protocol", mqtt);
    Ok(response)
}

enum Socket {
    Tcp(TcpStream),
    WebSocket {
        socket: Box<WebSocket<TcpStream>>,
        rest: Vec<u8>,
    },
}

/// One connection, as a stream of bytes whatever carries it.
struct Line {
    socket: Socket,
    /// The client's CONNECT is one of 5.0.
    five: bool,
}

impl Line {
    fn open(over: Over, stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let socket = match over {
            Over::Tcp => Socket::Tcp(stream),
            Over::WebSocket => {
                let socket =
                    accept_hdr(stream, speaks_mqtt).map_err(|_| io::ErrorKind::InvalidData)?;
                let (socket, rest) = (Box::new(socket), Vec::new());
                Socket::WebSocket { socket, rest }
            }
        };
        Ok(Self {
            socket,
            five: false,
        })
    }

    fn stream(&self) -> &TcpStream {
        match &self.socket {
            Socket::Tcp(stream) => stream,
            Socket::WebSocket { socket, .. } => socket.get_ref(),
        }
    }

    fn follow(&mut self, script: Vec<Step>) -> io::Result<()> {
        for step in script {
            match step {
                Step::Until(kind) => self.read_until(kind, true)?,
                Step::Swallow(kind) => self.read_until(kind, false)?,
                Step::Send(bytes) => self.write_all(&bytes)?,
                Step::Dribble(bytes) => {
                    for byte in bytes {
                        self.write_all(&[byte])?;
                    }
                }
                Step::Serve => while self.answer_one(true)?.is_some() {},
                Step::Hold(time) => self.hold(time)?,
                Step::Reset => {
                    let socket = socket2::SockRef::from(self.stream());
                    return socket.set_linger(Some(Duration::ZERO));
                }
            }
        }
        Ok(())
    }

    /// The type of the packet that was read.
    fn answer_one(&mut self, answer: bool) -> io::Result<Option<u8>> {
        let Some(packet) = peers::packet(self) else {
            return Ok(None);
        };
        let honest = self.honest(&packet);
        if answer {
            self.write_all(&honest)?;
        }
        Ok(Some(packet[0] >> 4))
    }

    fn read_until(&mut self, kind: u8, answer: bool) -> io::Result<()> {
        while let Some(came) = self.answer_one(answer)? {
            if came == kind {
                return Ok(());
            }
        }
        Err(io::ErrorKind::UnexpectedEof.into())
    }

    /// Looks without reading, so that the other side's writes get stuck.
    fn hold(&self, time: Duration) -> io::Result<()> {
        let deadline = std::time::Instant::now() + time;
        self.stream().set_nonblocking(true)?;
        while std::time::Instant::now() < deadline {
            match self.stream().peek(&mut [0]) {
                Ok(0) => break,
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                _ => std::thread::sleep(Duration::from_millis(5)),
            }
        }
        self.stream().set_nonblocking(false)
    }

    /// What an honest broker answers, without messages of its own; empty where it answers nothing.
    fn honest(&mut self, packet: &[u8]) -> Vec<u8> {
        let head = packet[1..].iter().position(|byte| byte & 0x80 == 0);
        let body = &packet[head.map_or(packet.len(), |head| head + 2).min(packet.len())..];
        if packet[0] >> 4 == CONNECT {
            self.five = body.get(6) == Some(&5);
        }
        honest(packet[0], body, self.five).unwrap_or_default()
    }
}

/// Of a packet's first byte and what stands behind its length.
fn honest(first: u8, body: &[u8], five: bool) -> Option<Vec<u8>> {
    let id = body.get(..2);
    let answer = |kind: u8, id: &[u8], reasons: &[u8]| {
        // Properties there are none.
        let properties: &[u8] = if five { &[0] } else { &[] };
        let length = id.len() + properties.len() + reasons.len();
        let head = [kind, u8::try_from(length).expect("few filters")];
        Some([&head, id, properties, reasons].concat())
    };
    match first >> 4 {
        CONNECT if five => Some(vec![0x20, 3, 0, 0, 0]),
        CONNECT => Some(vec![0x20, 2, 0, 0]),
        PUBLISH if first & 6 != 0 => {
            let topic = usize::from(u16::from_be_bytes([*body.first()?, *body.get(1)?]));
            let kind = if first & 4 == 0 { 0x40 } else { 0x50 };
            Some([&[kind, 2], body.get(2 + topic..4 + topic)?].concat())
        }
        6 => Some([&[0x70, 2], id?].concat()),
        SUBSCRIBE => answer(0x90, id?, &vec![0; filters(body, five, 1)]),
        // UNSUBACK of 3.1.1 has no reasons.
        10 if five => answer(0xB0, id?, &vec![0; filters(body, five, 0)]),
        10 => answer(0xB0, id?, &[]),
        PINGREQ => Some(vec![0xD0, 0]),
        _ => None,
    }
}

/// How many filters SUBSCRIBE or UNSUBSCRIBE has; each is followed by so many bytes of options.
fn filters(body: &[u8], five: bool, options: usize) -> usize {
    let properties = if five {
        // The program's own are shorter than 128 bytes.
        1 + usize::from(body.get(2).copied().unwrap_or_default())
    } else {
        0
    };
    let (mut at, mut count) = (2 + properties, 0);
    while let Some(&[high, low]) = body.get(at..at + 2) {
        at += 2 + usize::from(u16::from_be_bytes([high, low])) + options;
        count += 1;
    }
    count
}

impl Read for Line {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match &mut self.socket {
            Socket::Tcp(stream) => stream.read(bytes),
            Socket::WebSocket { socket, rest } => {
                while rest.is_empty() {
                    match socket.read().map_err(io::Error::other)? {
                        Message::Binary(message) => rest.extend_from_slice(&message),
                        Message::Close(_) => return Ok(0),
                        _ => {}
                    }
                }
                let count = rest.len().min(bytes.len());
                bytes[..count].copy_from_slice(&rest[..count]);
                rest.drain(..count);
                Ok(count)
            }
        }
    }
}

impl Write for Line {
    /// Over a WebSocket, one message.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.socket {
            Socket::Tcp(stream) => stream.write(bytes),
            Socket::WebSocket { socket, .. } => {
                let message = Message::Binary(bytes.to_vec().into());
                socket.send(message).map_err(io::Error::other)?;
                Ok(bytes.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
