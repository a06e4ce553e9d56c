//! Encryption of a connection that never blocks.

use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tiermark_model::input::{self, InputKind};
use tiermark_model::load::HttpVersion;

use crate::error::LoadError;
use crate::spec::Trust;
use crate::wire::{Connecting, Read};

/// How the connections of a trial are encrypted: whom they trust, what they ask for. Clones share the tickets by which
/// later connections resume earlier sessions, as clients do.
#[derive(Debug, Clone)]
pub(crate) struct ClientTls {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    alpn: &'static [u8],
}

impl ClientTls {
    /// `host`: a name or an address, with or without a port.
    pub(crate) fn new(trust: &Trust, host: &str, version: HttpVersion) -> Result<Self, LoadError> {
        let name = server_name(host).ok_or_else(|| LoadError::ServerName { host: host.to_owned() })?;
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| LoadError::Tls {
                reason: error.to_string(),
            })?;
        let builder = match trust {
            Trust::System => builder.with_root_certificates(system_roots()?),
            Trust::File(path) => builder.with_root_certificates(roots_of(path)?),
            Trust::Anybody => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Anybody(provider))),
        };
        let mut config = builder.with_no_client_auth();
        // RFC 7301, 6; RFC 9113, 3.2.
        let alpn: &[u8] = match version {
            HttpVersion::Http1 => b"http/1.1",
            HttpVersion::Http2 => b"h2",
        };
        config.alpn_protocols = vec![alpn.to_vec()];
        Ok(Self {
            config: Arc::new(config),
            name,
            alpn,
        })
    }

    /// Shakes hands over a socket that blocks; gives whether the protocol was agreed as well.
    pub(crate) fn shake_hands(&self, mut socket: impl io::Read + io::Write) -> io::Result<bool> {
        let TlsSession {
            mut tls, must_agree, ..
        } = self.session()?;
        while tls.is_handshaking() {
            tls.complete_io(&mut socket)?;
        }
        Ok(!must_agree || tls.alpn_protocol().is_some())
    }

    /// A session for one connection.
    pub(crate) fn session(&self) -> io::Result<TlsSession> {
        let tls = ClientConnection::new(Arc::clone(&self.config), self.name.clone()).map_err(io::Error::other)?;
        Ok(TlsSession {
            tls,
            must_agree: self.alpn == b"h2",
            drained: false,
        })
    }
}

/// The name of an authority: without its port, and without the brackets of an IPv6 address (RFC 3986, 3.2.2).
fn server_name(host: &str) -> Option<ServerName<'static>> {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next()?,
        // More than one colon is an address by itself.
        None => match host.rsplit_once(':') {
            Some((name, _)) if !name.contains(':') => name,
            _ => host,
        },
    };
    ServerName::try_from(name.to_owned()).ok()
}

fn system_roots() -> Result<RootCertStore, LoadError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Systems carry certificates that no verifier takes; the others are what counts.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let reasons: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        return Err(LoadError::NoSystemCertificates {
            reason: if reasons.is_empty() {
                "none were found".to_owned()
            } else {
                reasons.join("; ")
            },
        });
    }
    Ok(roots)
}

fn roots_of(path: &Path) -> Result<RootCertStore, LoadError> {
    let wrong = |reason: String| LoadError::Certificates {
        path: path.to_owned(),
        reason,
    };
    let text = input::bytes(path, InputKind::Written).map_err(|error| wrong(error.reason()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(wrong("it holds no certificate".to_owned()));
    }
    Ok(roots)
}

/// Takes any certificate; signatures are checked all the same, so that the handshake costs what it costs.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// One connection's encryption, between whoever reads and writes and the socket, which is passed to each call.
#[derive(Debug)]
pub(crate) struct TlsSession {
    tls: ClientConnection,
    /// Whether the protocol must have been agreed: a server that knows no ALPN speaks HTTP/1.1.
    must_agree: bool,
    /// Whether the last read of the socket left nothing in it.
    drained: bool,
}

impl TlsSession {
    /// Goes on with the handshake, as far as the socket lets it.
    pub(crate) fn shake(&mut self, socket: &mut (impl io::Read + io::Write)) -> Connecting {
        loop {
            if self.flush(socket).is_err() {
                return Connecting::Failed;
            }
            if !self.tls.is_handshaking() {
                return match self.tls.alpn_protocol() {
                    _ if self.tls.wants_write() => Connecting::Pending,
                    None if self.must_agree => Connecting::Failed,
                    _ => Connecting::Connected,
                };
            }
            match self.receive(socket) {
                Ok(1..) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Connecting::Pending,
                Ok(0) | Err(_) => return Connecting::Failed,
            }
        }
    }

    /// Takes what there is room for and sends what the socket takes. What is left is sent by [`TlsSession::flush`].
    pub(crate) fn write(&mut self, socket: &mut impl io::Write, bytes: &[u8]) -> io::Result<usize> {
        loop {
            // At most 64 KiB wait at once: rustls's limit of what it encrypts ahead.
            let taken = self.tls.writer().write(bytes)?;
            self.flush(socket)?;
            if taken > 0 || bytes.is_empty() {
                return Ok(taken);
            }
            if self.tls.wants_write() {
                return Err(io::ErrorKind::WouldBlock.into());
            }
        }
    }

    /// Sends what is encrypted and waits, as far as the socket takes it.
    pub(crate) fn flush(&mut self, socket: &mut impl io::Write) -> io::Result<()> {
        while self.tls.wants_write() {
            match self.tls.write_tls(socket) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads once. The socket's end is the stream's end, with or without the alert that announces it (RFC 8446, 6.1):
    /// servers under test omit it, and the lengths of HTTP say whether an answer is whole.
    pub(crate) fn read(&mut self, socket: &mut (impl io::Read + io::Write), buffer: &mut [u8]) -> io::Result<Read> {
        loop {
            match self.tls.reader().read(buffer) {
                Ok(length) => {
                    // A buffer that is full may have left something behind here as well.
                    let drained = self.drained && length < buffer.len();
                    return Ok(Read { length, drained });
                }
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    let (length, drained) = (0, true);
                    return Ok(Read { length, drained });
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            self.receive(socket)?;
        }
    }

    /// Reads the socket once and decrypts what is whole; 0 at its end.
    fn receive(&mut self, socket: &mut (impl io::Read + io::Write)) -> io::Result<usize> {
        let mut gauge = Gauge { socket, drained: false };
        let length = self.tls.read_tls(&mut gauge)?;
        self.drained = gauge.drained;
        let state = self.tls.process_new_packets();
        // An alert, or an answer to a change of keys.
        let flushed = self.flush(socket);
        state.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        flushed?;
        Ok(length)
    }
}

/// Notices whether a read left nothing behind, which only the size of the buffer that rustls brings can tell.
struct Gauge<'a, S> {
    socket: &'a mut S,
    drained: bool,
}

impl<S: io::Read> io::Read for Gauge<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.socket.read(buffer)?;
        // epoll(7), question 9, as in a stream without encryption.
        self.drained = length < buffer.len();
        Ok(length)
    }
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
