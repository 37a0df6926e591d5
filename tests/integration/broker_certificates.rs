//! Certificates as people have them: self-signed, of version 1, without names, signed with SHA-1, with short keys. Made and
//! served by `openssl`, which still can.

use crate::support::mosquitto::free_port;
use async_std::task::block_on;
use bitsperity_mqtt_mcp::broker::handle::{BrokerError, Handle};
use bitsperity_mqtt_mcp::config::Limits;
use bitsperity_mqtt_mcp::config::target::Target;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

const NAMES: &str = "subjectAltName=DNS:localhost,IP:127.0.0.1";

/// Certificates and keys in a folder of the test's own; `None`, loudly, where there is no openssl.
struct Openssl(TempDir);

impl Openssl {
    fn here() -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            eprintln!(
                "!!! SKIPPED: no openssl here.\n!!! How old certificates are told of is NOT known from this run."
            );
            return None;
        }
        Some(Self(TempDir::new().expect("a folder")))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, arguments: &str) {
        let done = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(self.0.path())
            .output()
            .expect("openssl");
        let told = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "openssl {arguments}: {told}");
    }

    /// `name.pem` and `name.key`, signed by itself, for localhost.
    fn own(&self, name: &str, more: &str) -> PathBuf {
        self.run(&format!(
            "req -x509 -nodes -keyout {name}.key -out {name}.pem -subj /CN=localhost {more}"
        ));
        self.file(&format!("{name}.pem"))
    }

    /// `name.pem` and `name.key`, signed by `ca.pem`.
    fn signed(&self, name: &str, key: &str, extensions: Option<&str>, more: &str) {
        self.run(&format!(
            "req -nodes -newkey {key} -keyout {name}.key -out {name}.csr -subj /CN=localhost"
        ));
        let mut sign = format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out {name}.pem -days 30{more}"
        );
        if let Some(extensions) = extensions {
            std::fs::write(self.file("extensions"), extensions).expect("a file");
            sign.push_str(" -extfile extensions");
        }
        self.run(&sign);
    }

    fn ca(&self) -> PathBuf {
        self.run(
            "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 30 -subj /CN=ca",
        );
        self.file("ca.pem")
    }

    /// `expired.pem` and `expired.key`, signed by itself, of a CA as `openssl req -x509` makes them. Not every openssl makes
    /// certificates of the past.
    fn expired(&self) -> PathBuf {
        let names = vec!["localhost".to_owned()];
        let mut params = rcgen::CertificateParams::new(names).expect("names");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 2, 1);
        let key = rcgen::KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        std::fs::write(self.file("expired.key"), key.serialize_pem()).expect("a file");
        std::fs::write(self.file("expired.pem"), certificate.pem()).expect("a file");
        self.file("expired.pem")
    }

    /// A server that takes TLS with this certificate, whatever its age, and says nothing of MQTT.
    fn serve(&self, name: &str) -> Server {
        let port = free_port();
        let mut child = Command::new("openssl")
            .args(["s_server", "-cipher", "DEFAULT:@SECLEVEL=0", "-accept"])
            .arg(format!("127.0.0.1:{port}"))
            .args([
                "-cert",
                &format!("{name}.pem"),
                "-key",
                &format!("{name}.key"),
            ])
            .current_dir(self.0.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("openssl");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let ready = lines.any(|line| line.is_ok_and(|line| line == "ACCEPT"));
        assert!(ready, "openssl does not serve {name}");
        // Else it ends when it has something to tell.
        std::thread::spawn(move || lines.for_each(drop));
        Server { child, port }
    }
}

struct Server {
    child: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn error(&self, ca: Option<&Path>, insecure_tls: bool) -> BrokerError {
        let target = Target {
            ca_file: ca.map(Into::into),
            insecure_tls,
            ..Target::parse(&format!("mqtts://localhost:{}", self.port)).expect("an address")
        };
        let limits = Limits {
            connect_timeout: 3.0,
            ..Limits::default()
        };
        match block_on(Handle::connect(target, &limits)) {
            Ok(_) => panic!("openssl speaks MQTT"),
            Err(error) => error,
        }
    }

    /// The certificate is refused with these words, and with `next` as the step.
    fn refused(&self, ca: Option<&Path>, words: &str, next: &str) {
        let error = self.error(ca, false);
        let (told, step) = (error.to_string(), error.next_step());
        assert_eq!(error.code(), "tls_failed", "{told}");
        assert!(told.contains(words), "no {words:?} in: {told}");
        assert!(step.contains(next), "no {next:?} in: {step}");
        for debug in ["Error", "Other", "UnsupportedCert", "Context", "{"] {
            assert!(!format!("{told}{step}").contains(debug), "{told} {step}");
        }
    }

    /// TLS came about: what failed came after it.
    fn accepted(&self, ca: Option<&Path>, insecure_tls: bool) {
        let told = self.error(ca, insecure_tls).to_string();
        assert!(told.contains("MQTT: "), "{told}");
    }
}

#[test]
fn a_self_signed_certificate_that_is_itself_in_ca_file() {
    let Some(openssl) = Openssl::here() else {
        return;
    };
    let names = format!("-newkey rsa:2048 -days 30 -addext {NAMES}");
    let (own, other) = (openssl.own("own", &names), openssl.own("other", &names));
    let server = openssl.serve("own");
    server.accepted(Some(&own), false);
    server.refused(
        None,
        "self-signed, and not known here",
        "pass it as ca_file",
    );
    // Of the same name, but not the same.
    server.refused(
        Some(&other),
        "not the one in ca_file",
        "another certificate",
    );

    let elsewhere = "-newkey rsa:2048 -days 30 -addext subjectAltName=DNS:elsewhere.example";
    let named = openssl.own("named", elsewhere);
    let words = "not valid for name \"localhost\"; it is for elsewhere.example";
    openssl
        .serve("named")
        .refused(Some(&named), words, "one of the names");

    let expired = openssl.expired();
    openssl
        .serve("expired")
        .refused(Some(&expired), "it has expired", "renewed");
}

#[test]
fn old_and_weak_certificates_in_plain_words() {
    let Some(openssl) = Openssl::here() else {
        return;
    };
    let ca = openssl.ca();
    let good = format!("{NAMES}\nbasicConstraints=CA:FALSE\n");
    openssl.signed("one", "rsa:2048", None, "");
    openssl.signed(
        "nameless",
        "rsa:2048",
        Some("basicConstraints=CA:FALSE\n"),
        "",
    );
    openssl.signed("sha", "rsa:2048", Some(&good), " -sha1");
    openssl.signed("short", "rsa:1024", Some(&good), "");
    openssl.signed("good", "rsa:2048", Some(&good), "");
    for (name, words) in [
        ("one", "X.509 certificate of version 1"),
        ("nameless", "no subjectAltName"),
        ("sha", "signed with SHA-1"),
        ("short", "RSA key has 1024 bits"),
    ] {
        let server = openssl.serve(name);
        let line = "-addext \"subjectAltName=DNS:localhost\"";
        server.refused(Some(&ca), words, line);
        server.accepted(None, true);
    }
    openssl.serve("good").accepted(Some(&ca), false);
}
