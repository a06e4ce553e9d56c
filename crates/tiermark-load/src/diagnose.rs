//! Why a target gave no right answer at all, if it speaks another protocol than it was asked in, or a handshake failed. Asked once,
//! over connections of its own, after the load: the hot path knows outcomes, no reasons.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use rustls::{AlertDescription, CertificateError, Error as TlsError};

use crate::spec::{LoadSpec, Trust};
use crate::tls::ClientTls;

/// Longest wait for each step.
const STEP: Duration = Duration::from_secs(2);

const NO_HTTP2: &str = "the server agrees to TLS, and not to HTTP/2 (by ALPN): leave `--http2` out";

/// What is wrong with the way the target was spoken to, and what would be right; none if that is not known. Blocks for some
/// seconds at most.
#[must_use]
pub fn diagnose(spec: &LoadSpec) -> Option<String> {
    // A target that is not there shows in the outcomes.
    let socket = connect(spec).ok()?;
    if spec.protocol.tls {
        of_tls(spec, socket)
    } else {
        let tls = tls(spec, &Trust::Anybody)?;
        let speaks_tls = tls.shake_hands(socket).is_ok();
        speaks_tls
            .then(|| "the port speaks TLS, and was asked in plain HTTP: write https:// in place of http://".to_owned())
    }
}

fn of_tls(spec: &LoadSpec, socket: TcpStream) -> Option<String> {
    let shaken = tls(spec, &spec.trust)?.shake_hands(socket);
    let error = match shaken {
        Ok(true) => return None,
        Ok(false) => return Some(NO_HTTP2.to_owned()),
        Err(error) => error,
    };
    let reason = error.get_ref().and_then(|error| error.downcast_ref::<TlsError>());
    let advice = match reason {
        // RFC 7301, 3.2.
        Some(TlsError::AlertReceived(AlertDescription::NoApplicationProtocol)) => return Some(NO_HTTP2.to_owned()),
        Some(TlsError::InvalidCertificate(certificate)) => of_certificate(certificate),
        _ if speaks_plainly(spec) => {
            return Some(
                "the TLS handshake failed, because the port speaks plain HTTP: write http:// in place of https://"
                    .to_owned(),
            );
        }
        _ => "see what the server's log says of it",
    };
    let reason = reason.map_or_else(|| error.to_string(), ToString::to_string);
    Some(format!("the TLS handshake failed ({reason}): {advice}"))
}

fn of_certificate(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the server's certificate has expired; renew it, or trust any by `--insecure`"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the server's certificate is not valid yet; look at both clocks, or trust any by `--insecure`"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the server's certificate is for another name; write that in the URL or as `--header 'Host: name'`, or trust any by `--insecure`"
        }
        // The second: of an authority with the name of one that is trusted, as two self-signed ones of one tool have.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "nobody who is trusted signed the server's certificate; name its authority by `--cacert`, or trust any by `--insecure`"
        }
        _ => "name the authority of the server's certificate by `--cacert`, or trust any by `--insecure`",
    }
}

fn tls(spec: &LoadSpec, trust: &Trust) -> Option<ClientTls> {
    ClientTls::new(trust, &spec.host, spec.protocol.http).ok()
}

fn connect(spec: &LoadSpec) -> io::Result<TcpStream> {
    let socket = TcpStream::connect_timeout(&spec.address, STEP)?;
    socket.set_read_timeout(Some(STEP))?;
    socket.set_write_timeout(Some(STEP))?;
    Ok(socket)
}

/// Whether it answers a request in plain HTTP, whatever it says.
fn speaks_plainly(spec: &LoadSpec) -> bool {
    let ask = || -> io::Result<bool> {
        let mut socket = connect(spec)?;
        let request = format!("OPTIONS * HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", spec.host);
        socket.write_all(request.as_bytes())?;
        let mut begin = [0; 5];
        socket.read_exact(&mut begin)?;
        Ok(&begin == b"HTTP/")
    };
    ask().unwrap_or(false)
}
