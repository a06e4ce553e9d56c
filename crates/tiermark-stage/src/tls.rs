//! TLS of the clients of this crate: whom they trust, and the handshake of the small HTTP/1.1 client.
//!
//! The load generator sets up its own: neither crate sees the other, and the model, which both see, knows no network.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use crate::address::split_authority;

/// Whom a connection trusts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TlsTrust {
    /// The system's certificate authorities.
    System,
    /// Anybody: on this machine servers make their own certificates, and nobody is between.
    Anybody,
}

/// Shakes hands with the server at `address`, whose `Host` header names it. On loopback any certificate is taken.
///
/// # Errors
/// Why no encrypted connection came about.
pub(crate) async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    address: SocketAddr,
    host: &str,
) -> Result<TlsStream<S>, String> {
    let trust = if address.ip().is_loopback() {
        TlsTrust::Anybody
    } else {
        TlsTrust::System
    };
    shake_hands(stream, trust, host).await
}

async fn shake_hands<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    trust: TlsTrust,
    host: &str,
) -> Result<TlsStream<S>, String> {
    let (name, _) = split_authority(host)?;
    let name = ServerName::try_from(name.to_owned()).map_err(|error| format!("`{name}`: {error}"))?;
    TlsConnector::from(Arc::new(config(trust)?))
        .connect(name, stream)
        .await
        .map_err(|error| error.to_string())
}

/// What a client of HTTP/1.1 needs for TLS.
pub(crate) fn config(trust: TlsTrust) -> Result<ClientConfig, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let mut config = match trust {
        TlsTrust::System => builder.with_root_certificates(system_roots()?).with_no_client_auth(),
        TlsTrust::Anybody => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
            .with_no_client_auth(),
    };
    // Verification asks over HTTP/1.1, also of a server that prefers another version.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn system_roots() -> Result<RootCertStore, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Systems carry a few certificates that rustls does not take; the others are enough.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = found
            .errors
            .first()
            .map(|error| format!(" ({error})"))
            .unwrap_or_default();
        return Err(format!(
            "this system has no certificate authorities{why}; install them (Debian: ca-certificates)"
        ));
    }
    Ok(roots)
}

/// Takes every certificate; that the server holds its key is still checked.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        tokio_rustls::rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        tokio_rustls::rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::rustls::ServerConfig;

    /// A handshake with a server that made its own certificate for `localhost`.
    async fn shake(trust: TlsTrust, host: &str) -> Result<(), String> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![made.cert.der().clone()],
                made.signing_key.serialize_der().try_into().unwrap(),
            )
            .unwrap();
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let server = tokio::spawn(async move { TlsAcceptor::from(Arc::new(config)).accept(theirs).await.map(drop) });
        let result = shake_hands(ours, trust, host).await.map(drop);
        server.abort();
        result
    }

    #[tokio::test]
    async fn a_certificate_of_its_own_is_taken_on_loopback_only() {
        assert_eq!(shake(TlsTrust::Anybody, "127.0.0.1:8443").await, Ok(()));
        assert_eq!(shake(TlsTrust::Anybody, "[::1]:8443").await, Ok(()));
        let refused = shake(TlsTrust::System, "localhost:8443").await.unwrap_err();
        assert!(
            refused.contains("certificate") || refused.contains("authorities"),
            "{refused}"
        );
    }

    #[tokio::test]
    async fn a_host_that_is_no_name_is_refused() {
        assert!(shake(TlsTrust::Anybody, "a b").await.unwrap_err().contains("a b"));
    }
}
