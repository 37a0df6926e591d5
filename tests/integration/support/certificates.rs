//! A CA, a broker's certificate for `localhost` and 127.0.0.1, a client's certificate; made anew each run.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use std::path::{Path, PathBuf};

/// PEM files of one CA and what it signed.
pub(crate) struct Certificates {
    pub(crate) ca: PathBuf,
    pub(crate) server: PathBuf,
    pub(crate) server_key: PathBuf,
    pub(crate) client: PathBuf,
    pub(crate) client_key: PathBuf,
}

impl Certificates {
    /// Makes all of them in `folder`, for a broker that is known by `names`.
    pub(crate) fn make(folder: &Path, names: &[&str]) -> Self {
        let file = |name: &str, pem: String| {
            let path = folder.join(name);
            std::fs::write(&path, pem).expect("a file in the test's folder");
            path
        };
        let ca_key = KeyPair::generate().expect("a key");
        // Two CAs of one name would be told apart by their signatures only.
        let name = format!("CA of {}", folder.display());
        let mut ca = params(&[], &name);
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca_pem = ca.self_signed(&ca_key).expect("a certificate").pem();
        let issuer = Issuer::new(ca, ca_key);
        let signed = |mut params: CertificateParams, usage| {
            params.extended_key_usages = vec![usage];
            let key = KeyPair::generate().expect("a key");
            let certificate = params.signed_by(&key, &issuer).expect("a certificate");
            (certificate.pem(), key.serialize_pem())
        };
        let server = signed(params(names, "broker"), ExtendedKeyUsagePurpose::ServerAuth);
        let client = signed(params(&[], "lena"), ExtendedKeyUsagePurpose::ClientAuth);
        Self {
            ca: file("ca.pem", ca_pem),
            server: file("server.pem", server.0),
            server_key: file("server.key", server.1),
            client: file("client.pem", client.0),
            client_key: file("client.key", client.1),
        }
    }
}

fn params(names: &[&str], common_name: &str) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names");
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params
}
