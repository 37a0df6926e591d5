//! A Mosquitto of the bench's own, and a publisher that sends to it as fast as it takes: what a subscriber then gets has
//! gone through a broker. It may queue without end, so that nothing is lost and both subscribers have the same to do.

use crate::replay::{BATCH, Source, batch};
use bitsperity_mqtt_core::packet::Version;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Instant;

/// Killed when dropped.
pub(crate) struct Broker(Child);

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts both; `messages` (a multiple of [`BATCH`]) are published once somebody has subscribed to `replay/#`. None if
/// Mosquitto is not installed.
pub(crate) fn start(messages: usize) -> io::Result<Option<Source>> {
    // A port that was free a moment ago.
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let spawned = Command::new("mosquitto")
        .args(["-c", "/dev/stdin"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match spawned {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let config = format!(
        "user root\nallow_anonymous true\nmax_queued_messages 0\nlistener {} 127.0.0.1\n\
         log_dest stderr\nlog_type information\nlog_type subscribe\nlog_type error\n",
        address.port()
    );
    let (stdin, log) = (child.stdin.take(), child.stderr.take());
    let broker = Broker(child);
    let (Some(mut stdin), Some(log)) = (stdin, log) else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    stdin.write_all(config.as_bytes())?;
    drop(stdin);
    let mut log = BufReader::new(log).lines();
    wait_for(&mut log, "running")?;
    let (sender, started) = sync_channel(1);
    std::thread::spawn(move || publish(address, messages, log, &sender));
    Ok(Some(Source {
        address,
        started,
        _broker: Some(broker),
    }))
}

/// Waits for a line of the broker's log.
fn wait_for(log: &mut impl Iterator<Item = io::Result<String>>, what: &str) -> io::Result<()> {
    for line in log {
        if line?.contains(what) {
            return Ok(());
        }
    }
    Err(io::Error::other(format!("mosquitto ended before: {what}")))
}

fn publish(
    address: SocketAddr,
    messages: usize,
    mut log: impl Iterator<Item = io::Result<String>>,
    started: &SyncSender<Instant>,
) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"\x10\x0f\x00\x04MQTT\x04\x02\x00\x00\x00\x03pub")?;
    stream.read_exact(&mut [0; 4])?;
    wait_for(&mut log, "replay/#")?;
    let batch = batch(Version::V311, None);
    let _ = started.send(Instant::now());
    for _ in 0..messages / BATCH {
        stream.write_all(&batch)?;
    }
    // Until the broker is killed, so that its log goes somewhere.
    log.try_for_each(|line| line.map(drop))
}
