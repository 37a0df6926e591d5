//! The audit file: a line of JSON for each publication that an assistant asks for, synced to the disk before the assistant
//! is answered. Says when, who, where to, topic, bytes, QoS, retain and outcome; never the payload.
//!
//! Invariant: while the file cannot be written, nothing is published. A call that is given up leaves its line, too.

use super::error::BrokerError;
use super::handle::Publish;
use super::shared::lock;
use crate::config::Denied;
use crate::render;
use serde::Serialize;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

/// The file; opened when the first line is due.
pub struct Audit {
    path: PathBuf,
    file: Mutex<Option<File>>,
}

/// The file and who publishes.
#[derive(Clone)]
pub(super) struct Auditor {
    audit: Arc<Audit>,
    client: Arc<str>,
}

/// One line.
#[derive(Serialize)]
struct Line<'a> {
    time: String,
    client: &'a str,
    broker: &'a str,
    topic: String,
    bytes: usize,
    qos: u8,
    retain: bool,
    outcome: &'a str,
}

/// A publication whose line is not written yet.
pub(super) struct Pending {
    auditor: Auditor,
    broker: String,
    topic: String,
    bytes: usize,
    qos: u8,
    retain: bool,
    is_written: bool,
}

impl Audit {
    /// Lines go to the end of this file.
    pub fn new(path: PathBuf) -> Arc<Self> {
        let file = Mutex::new(None);
        Arc::new(Self { path, file })
    }

    /// Opens the file if it is not open.
    fn ready(&self) -> io::Result<()> {
        let mut file = lock(&self.file);
        if file.is_none() {
            *file = Some(open(&self.path)?);
        }
        Ok(())
    }

    fn append(&self, line: &str) -> io::Result<()> {
        let mut slot = lock(&self.file);
        let mut file = match slot.take() {
            Some(file) => file,
            None => open(&self.path)?,
        };
        file.write_all(line.as_bytes())?;
        file.sync_data()?;
        // Only now: after a failure it is opened anew.
        *slot = Some(file);
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

impl Auditor {
    pub(super) fn new(audit: &Arc<Audit>, client: &str) -> Self {
        Self {
            audit: Arc::clone(audit),
            client: client.into(),
        }
    }

    /// Before anything is sent.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) async fn begin(
        &self,
        broker: &str,
        publish: &Publish,
    ) -> Result<Pending, BrokerError> {
        let audit = self.audit.clone();
        let ready = async_std::task::spawn_blocking(move || audit.ready());
        if let Err(why) = ready.await {
            log::error!("audit_file: {}: {why}", self.audit.path.display());
            return Err(BrokerError::Denied(Denied::NoAudit, why.to_string()));
        }
        Ok(Pending {
            auditor: self.clone(),
            broker: broker.to_owned(),
            topic: render::topic(&publish.topic),
            bytes: publish.payload.len(),
            qos: publish.qos as u8,
            retain: publish.retain,
            is_written: false,
        })
    }
}

impl Pending {
    fn line(&self, outcome: &str) -> String {
        let line = Line {
            time: render::time(SystemTime::now()),
            client: &self.auditor.client,
            broker: &self.broker,
            topic: self.topic.clone(),
            bytes: self.bytes,
            qos: self.qos,
            retain: self.retain,
            outcome,
        };
        // Made of text and numbers, so it can always be written.
        serde_json::to_string(&line).unwrap_or_default() + "\n"
    }

    /// With `ok` or the code of an error.
    pub(super) async fn end(mut self, outcome: &str) {
        self.is_written = true;
        let (audit, line) = (self.auditor.audit.clone(), self.line(outcome));
        let path = audit.path.display().to_string();
        let written = async_std::task::spawn_blocking(move || audit.append(&line)).await;
        if let Err(why) = written {
            log::error!("audit_file: {path}: {why}; a publication has no line there");
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.is_written {
            let line = self.line("abandoned");
            if let Err(why) = self.auditor.audit.append(&line) {
                log::error!("audit_file: {why}; a publication has no line there");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_std::task::block_on;

    fn auditor(path: &Path) -> Auditor {
        Auditor::new(&Audit::new(path.to_owned()), "http 7")
    }

    fn publish() -> Publish {
        Publish {
            topic: "attic/fan\u{202e}".to_owned(),
            payload: b"hunter2".to_vec(),
            retain: true,
            ..Publish::default()
        }
    }

    #[test]
    fn each_publication_leaves_one_line_without_its_payload() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let auditor = auditor(&path);
        block_on(async {
            let first = auditor
                .begin("mqtt://host:1883", &publish())
                .await
                .ok()
                .unwrap();
            first.end("ok").await;
            drop(auditor.begin("mqtt://host:1883", &publish()).await);
        });
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("hunter2"), "{text}");
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(
            (&lines[0]["outcome"], &lines[1]["outcome"]),
            (&"ok".into(), &"abandoned".into())
        );
        assert_eq!(
            (&lines[0]["client"], &lines[0]["bytes"]),
            (&"http 7".into(), &7.into())
        );
        assert_eq!(lines[0]["topic"], "attic/fan\u{fffd}");
    }

    #[test]
    fn without_the_file_nothing_is_published() {
        let folder = tempfile::tempdir().unwrap();
        let auditor = auditor(folder.path());
        let refused = block_on(auditor.begin("x", &publish())).err().unwrap();
        assert_eq!(refused.code(), "policy_denied");
        assert!(refused.to_string().contains("audit"), "{refused}");
    }
}
