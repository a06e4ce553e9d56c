//! The server's TLS identity: made when the first client asks for TLS, or read from files.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

use crate::Error;

/// The ALPN name of HTTP/2 over TLS (RFC 9113, section 3.1).
pub(crate) const H2: &[u8] = b"h2";

/// The ALPN names that the server takes, its preferred one first (RFC 7301).
const ALPN: [&[u8]; 2] = [H2, b"http/1.1"];

/// Whom a made certificate speaks for: every way to name this host from itself.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The PEM files of a TLS identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate, followed by the intermediate ones, if any.
    pub certificate: PathBuf,
    /// Its private key: PKCS #8, PKCS #1 or SEC1.
    pub key: PathBuf,
}

/// The identity that all workers accept TLS with.
pub(crate) struct TlsIdentity {
    acceptor: OnceLock<Option<TlsAcceptor>>,
}

impl TlsIdentity {
    /// The identity in `files`, which are read now, so that a fault in them shows before the server listens. Without
    /// files a key and a certificate are made with the first connection that needs them: a start costs nothing.
    pub(crate) fn new(files: Option<&TlsFiles>) -> Result<Self, Error> {
        let acceptor = match files {
            Some(files) => OnceLock::from(Some(from_files(files)?)),
            None => OnceLock::new(),
        };
        Ok(Self { acceptor })
    }

    /// What accepts TLS; `None` if no certificate could be made, which only a system without randomness can cause.
    pub(crate) fn acceptor(&self) -> Option<&TlsAcceptor> {
        self.acceptor.get_or_init(self_signed).as_ref()
    }
}

fn self_signed() -> Option<TlsAcceptor> {
    let made = rcgen::generate_simple_self_signed(NAMES.map(str::to_owned)).ok()?;
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    acceptor(vec![made.cert.into()], key).ok()
}

fn from_files(files: &TlsFiles) -> Result<TlsAcceptor, Error> {
    let certificates = certificates(&files.certificate).map_err(|source| Error::TlsFile {
        variable: "TLS_CERT",
        path: files.certificate.clone(),
        expected: "certificate",
        source,
    })?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|source| Error::TlsFile {
        variable: "TLS_KEY",
        path: files.key.clone(),
        expected: "private key",
        source,
    })?;
    acceptor(certificates, key).map_err(|source| Error::TlsIdentity {
        certificate: files.certificate.clone(),
        key: files.key.clone(),
        source,
    })
}

/// All certificates in `path`; at least one.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, pem::Error> {
    let found = CertificateDer::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>()?;
    if found.is_empty() {
        return Err(pem::Error::NoItemsFound);
    }
    Ok(found)
}

fn acceptor(
    certificates: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<TlsAcceptor, rustls::Error> {
    // The provider is named rather than taken from the process: a library that sets another must not matter here.
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates, key)?;
    config.alpn_protocols = ALPN.map(<[u8]>::to_vec).to_vec();
    Ok(TlsAcceptor::from(Arc::new(config)))
}
