//! A Unix socket: the framing of standard input and output, for programs of the same user; who reaches the socket needs no
//! token.
//!
//! Invariants: only its owner reaches the socket; one that another process serves is left alone; a line beyond `max_line`
//! costs no more memory than `max_line`; a client that takes nothing for `http_write_time` is let go.

use super::assistants::{Assistant, Assistants};
use super::http::token::private_folder;
use crate::protocol::caller::Transport;
use crate::text::lines::{Cutter, Input, READ_CHUNK};
use async_channel::Receiver;
use async_std::future::timeout;
use async_std::os::unix::net::{UnixListener, UnixStream};
use futures::future::{Either, select};
use futures::{AsyncReadExt, AsyncWriteExt};
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use zeroize::{Zeroize, Zeroizing};

/// After an accept that failed, which happens when the process has too many files open.
const BREATH: Duration = Duration::from_millis(100);

/// An open socket; its file is removed when it is dropped.
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
    limits: Limits,
    clients: Arc<AtomicUsize>,
}

/// Bounds of each client, and of all.
#[derive(Clone, Copy)]
pub struct Limits {
    /// Bytes of one line.
    pub max_line: usize,
    /// Time in which a client takes some of what is written.
    pub write_time: Duration,
    /// Clients at once.
    pub clients: usize,
}

impl Socket {
    /// Makes it, with its folder.
    ///
    /// # Errors
    /// Another process serves it, the folder belongs to somebody else, or the file system refuses.
    pub fn open(path: PathBuf, limits: Limits) -> io::Result<Self> {
        let folder = path.parent().unwrap_or(Path::new("/"));
        private_folder(folder)?;
        if std::os::unix::net::UnixStream::connect(&path).is_ok() {
            let why = "another service listens there already";
            return Err(io::Error::new(io::ErrorKind::AddrInUse, why));
        }
        // Under another name until only its owner can reach it.
        let beside = path.with_extension("new");
        let _ = fs::remove_file(&beside);
        let listener = std::os::unix::net::UnixListener::bind(&beside)?;
        let put = || {
            let ours = fs::metadata(&beside)?.uid();
            if fs::metadata(folder)?.uid() != ours {
                let why = "the folder belongs to somebody else";
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
            }
            fs::set_permissions(&beside, fs::Permissions::from_mode(0o600))?;
            fs::rename(&beside, &path)
        };
        if let Err(error) = put() {
            let _ = fs::remove_file(&beside);
            return Err(error);
        }
        Ok(Self {
            listener: UnixListener::from(listener),
            path,
            limits,
            clients: Arc::default(),
        })
    }

    /// Takes clients until `ending` is closed.
    pub(super) async fn serve(self, assistants: Arc<Assistants>, ending: Receiver<()>) {
        loop {
            let accepting = pin!(self.listener.accept());
            match select(accepting, pin!(ending.recv())).await {
                Either::Left((Ok((stream, _)), _)) => self.take(stream, &assistants),
                Either::Left((Err(error), _)) => {
                    log::warn!("socket: accept: {error}");
                    async_std::task::sleep(BREATH).await;
                }
                Either::Right(_) => return,
            }
        }
    }

    fn take(&self, stream: UnixStream, assistants: &Arc<Assistants>) {
        let (clients, limits) = (Arc::clone(&self.clients), self.limits);
        if clients.fetch_add(1, Ordering::Relaxed) >= limits.clients {
            clients.fetch_sub(1, Ordering::Relaxed);
            log::warn!(
                "socket: {} clients are here, no place for another",
                limits.clients
            );
            return;
        }
        let assistant = assistants.come(Transport::Socket, None);
        async_std::task::spawn(async move {
            converse(&assistant, stream, limits).await;
            drop(assistant);
            clients.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Both directions. When the input ends the answers to what was asked are still written, as on standard output.
async fn converse(assistant: &Assistant, stream: UnixStream, limits: Limits) {
    let input = stream.clone();
    let reading = pin!(async {
        if let Err(error) = read(assistant, input, limits.max_line).await {
            log::debug!("socket: {error}");
        }
    });
    let writing = pin!(write(assistant, stream, limits.write_time));
    if let Either::Left((_, writing)) = select(reading, writing).await {
        assistant.in_flight.cancel_all();
        let finishing = async {
            let _ = timeout(limits.write_time, assistant.in_flight.drained()).await;
            assistant.out.close();
        };
        futures::future::join(finishing, writing).await;
    }
    // Who waits for room must not wait for ever.
    assistant.out.close();
}

async fn read(assistant: &Assistant, mut stream: UnixStream, max_line: usize) -> io::Result<()> {
    let mut buffer = Zeroizing::new(vec![0; READ_CHUNK]);
    let mut cutter = Cutter::new(max_line);
    loop {
        let count = stream.read(&mut buffer).await?;
        let Some(chunk) = buffer.get_mut(..count) else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let mut lines = Vec::new();
        let mut take = |input| {
            lines.push(input);
            true
        };
        match count {
            0 => std::mem::replace(&mut cutter, Cutter::new(max_line)).finish(&mut take),
            _ => drop(cutter.cut(chunk, &mut take)),
        }
        chunk.zeroize();
        for input in lines {
            match input {
                Input::Line(line) => assistant.client.line(&line, &assistant.out).await,
                Input::TooLong => assistant.client.too_long(max_line, &assistant.out).await,
            }
        }
        if count == 0 {
            return Ok(());
        }
    }
}

async fn write(assistant: &Assistant, mut stream: UnixStream, limit: Duration) {
    while let Ok(message) = assistant.news.recv().await {
        let mut line = message.text.into_bytes();
        line.push(b'\n');
        if !matches!(timeout(limit, stream.write_all(&line)).await, Ok(Ok(()))) {
            log::info!("socket: the client takes nothing any more");
            return;
        }
    }
    let _ = stream.shutdown(std::net::Shutdown::Both);
}
