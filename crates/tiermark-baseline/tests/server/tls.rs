//! TLS: the certificate that is made, the one that is given, and ALPN.

use std::error::Error as StdError;
use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use hyper::Method;
use tiermark_baseline::{Config, Server, TlsFiles};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    self, ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme, StreamOwned,
};

use crate::http2;
use crate::support::{Client, Outcome, Running, check, config};

/// Takes any certificate, to learn which one a server has.
#[derive(Debug)]
struct Anyone(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for Anyone {
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
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

/// A client that trusts `certificate` alone, or any where there is none, and offers `alpn`.
fn client(certificate: Option<CertificateDer<'static>>, alpn: &[&str]) -> Result<Arc<ClientConfig>, Box<dyn StdError>> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let mut client = match certificate {
        Some(certificate) => {
            let mut trusted = RootCertStore::empty();
            trusted.add(certificate)?;
            builder.with_root_certificates(trusted).with_no_client_auth()
        }
        None => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anyone(provider.signature_verification_algorithms)))
            .with_no_client_auth(),
    };
    client.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Ok(Arc::new(client))
}

type Stream = StreamOwned<ClientConnection, TcpStream>;

/// A connection to `server`, taken for `name`, after the handshake.
fn connect(server: &Running, name: &str, client: Arc<ClientConfig>) -> Result<Stream, Box<dyn StdError>> {
    let mut connection = ClientConnection::new(client, ServerName::try_from(name.to_owned())?)?;
    let mut stream = server.open()?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    Ok(StreamOwned::new(connection, stream))
}

/// The certificate that `server` shows.
fn certificate(server: &Running) -> Result<CertificateDer<'static>, Box<dyn StdError>> {
    let stream = connect(server, "localhost", client(None, &[])?)?;
    let shown = stream.conn.peer_certificates().and_then(<[_]>::first);
    Ok(shown.ok_or("no certificate")?.clone().into_owned())
}

#[test]
fn the_made_certificate_is_this_hosts_and_kept() -> Outcome {
    let server = Running::start(config(2))?;
    let trusted = certificate(&server)?;
    for name in ["localhost", "127.0.0.1", "::1"] {
        // Several, so that both workers are asked.
        for _ in 0..8 {
            let stream = connect(&server, name, client(Some(trusted.clone()), &[])?)?;
            check(&Client::new(stream).get("/health")?, 200, "text/plain", "OK");
        }
    }
    assert!(connect(&server, "example.org", client(Some(trusted), &[])?).is_err());
    let other = Running::start(config(1))?;
    assert_ne!(
        certificate(&other)?,
        certificate(&server)?,
        "a key is made for each server"
    );
    other.stop()?;
    server.stop()
}

#[test]
fn alpn_decides_and_without_it_http1_is_spoken() -> Outcome {
    let server = Running::start(config(1))?;
    let trusted = certificate(&server)?;
    let offers: [(&[&str], Option<&str>); 4] = [
        (&[], None),
        (&["http/1.1"], Some("http/1.1")),
        (&["http/1.1", "h2"], Some("h2")),
        (&["h2"], Some("h2")),
    ];
    for (offered, expect) in offers {
        let stream = connect(&server, "localhost", client(Some(trusted.clone()), offered)?)?;
        let chosen = stream.conn.alpn_protocol().map(String::from_utf8_lossy);
        assert_eq!(chosen.as_deref(), expect, "{offered:?}");
        if expect != Some("h2") {
            let mut client = Client::new(stream);
            check(&client.get("/plaintext")?, 200, "text/plain", "Hello, World!");
            check(&client.get("/health")?, 200, "text/plain", "OK");
        }
    }
    // RFC 7301, section 3.2: a fatal alert where nothing offered is known.
    let refused = connect(&server, "localhost", client(Some(trusted), &["h3"])?);
    assert!(refused.is_err_and(|error| error.to_string().contains("NoApplicationProtocol")));
    server.stop()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn http2_over_tls_carries_many_streams() -> Outcome {
    let server = Running::start(config(1))?;
    let trusted = certificate(&server)?;
    let connector = TlsConnector::from(client(Some(trusted), &["h2"])?);
    let stream = tokio::net::TcpStream::connect(server.address).await?;
    let stream = connector.connect(ServerName::try_from("localhost")?, stream).await?;
    let sender = http2::begin(stream).await?;
    let asked: Vec<_> = (0..200)
        .map(|_| tokio::spawn(http2::ask(sender.clone(), Method::GET, "/plaintext")))
        .collect();
    for answer in asked {
        assert_eq!(&answer.await??.body()[..], b"Hello, World!");
    }
    server.stop()
}

/// A certificate for `localhost` and its key as `cert.pem` and `key.pem` in `folder`.
fn write_identity(folder: &Path) -> Result<(TlsFiles, CertificateDer<'static>), Box<dyn StdError>> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let files = TlsFiles {
        certificate: folder.join("cert.pem"),
        key: folder.join("key.pem"),
    };
    fs::write(&files.certificate, made.cert.pem())?;
    fs::write(&files.key, made.signing_key.serialize_pem())?;
    Ok((files, made.cert.into()))
}

#[test]
fn a_given_certificate_is_served() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (files, expect) = write_identity(folder.path())?;
    let server = Running::start(Config {
        tls: Some(files),
        ..config(1)
    })?;
    assert_eq!(certificate(&server)?, expect);
    let stream = connect(&server, "localhost", client(Some(expect), &[])?)?;
    check(&Client::new(stream).get("/health")?, 200, "text/plain", "OK");
    server.stop()
}

fn check_refused(files: &TlsFiles, expect: &str) {
    let error = Server::bind(Config {
        tls: Some(files.clone()),
        ..config(1)
    })
    .err()
    .map(|error| error.to_string());
    assert!(
        error.as_ref().is_some_and(|error| error.starts_with(expect)),
        "{error:?}"
    );
}

#[test]
fn an_unusable_identity_is_refused_by_variable_and_path() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (files, _) = write_identity(folder.path())?;
    let elsewhere = tempfile::tempdir()?;
    let (others, _) = write_identity(elsewhere.path())?;
    let (certificate, key) = (files.certificate.display(), files.key.display());
    let missing = TlsFiles {
        key: folder.path().join("none"),
        ..files.clone()
    };
    let none = missing.key.display();
    check_refused(
        &missing,
        &format!("TLS_KEY names {none}, but no private key can be read from it: I/O error: No such file"),
    );
    let swapped = TlsFiles {
        certificate: files.key.clone(),
        key: files.certificate.clone(),
    };
    check_refused(
        &swapped,
        &format!("TLS_CERT names {key}, but no certificate can be read from it: no items found"),
    );
    let mixed = TlsFiles {
        key: others.key.clone(),
        ..files.clone()
    };
    let other = others.key.display();
    check_refused(
        &mixed,
        &format!("the certificate in {certificate} cannot be served with the key in {other}: "),
    );
    fs::write(
        &files.certificate,
        "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
    )?;
    check_refused(
        &files,
        &format!("TLS_CERT names {certificate}, but no certificate can be read from it: base64 decode error"),
    );
    Ok(())
}
