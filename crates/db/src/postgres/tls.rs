//! TLS towards the server, with rustls, as libpq's `sslmode` describes it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{Error, Result};

/// Files in PEM form.
#[derive(Default)]
pub(super) struct Certificates {
    /// The certificates that may sign the server's (`sslrootcert`). `None` uses Mozilla's list.
    pub(super) roots: Option<PathBuf>,
    /// The client's own certificate (`sslcert`).
    pub(super) certificate: Option<PathBuf>,
    /// The key of the client's own certificate (`sslkey`).
    pub(super) key: Option<PathBuf>,
}

/// The servers that are trusted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// Any server: the connection is encrypted, but nobody knows with whom.
    Anyone,
    /// A server whose certificate is signed by a root.
    SignedByRoot,
    /// A server whose certificate is signed by a root and carries its host name.
    NamedAndSigned,
}

pub(super) fn connector(trust: Trust, certificates: &Certificates) -> Result<MakeRustlsConnect> {
    let provider = Arc::new(ring::default_provider());
    let signed = match trust {
        Trust::Anyone => None,
        _ => Some(verifier(&provider, certificates.roots.as_deref())?),
    };
    let check = Check { signed, named: trust == Trust::NamedAndSigned, provider: provider.clone() };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| setup(&error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(check));
    let config = match (&certificates.certificate, &certificates.key) {
        (Some(certificate), Some(key)) => {
            let key = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, &error))?;
            config.with_client_auth_cert(read(certificate)?, key).map_err(|error| setup(&error))?
        }
        (None, None) => config.with_no_client_auth(),
        _ => return Err(Error::Setup("the database URL needs sslcert and sslkey together".to_owned())),
    };
    Ok(MakeRustlsConnect::new(config))
}

fn verifier(provider: &Arc<CryptoProvider>, roots: Option<&Path>) -> Result<Arc<WebPkiServerVerifier>> {
    let mut store = RootCertStore::empty();
    match roots {
        Some(path) => {
            for certificate in read(path)? {
                store.add(certificate).map_err(|error| unreadable(path, &error))?;
            }
        }
        None => store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone())
        .build()
        .map_err(|error| setup(&error))
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| unreadable(path, &error))?;
    certificates.collect::<Result<Vec<_>, _>>().map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &impl std::fmt::Display) -> Error {
    Error::Setup(format!("cannot read the certificate or key {}: {error}", path.display()))
}

fn setup(error: &impl std::fmt::Display) -> Error {
    Error::Setup(format!("cannot set up TLS for the database: {error}"))
}

/// Checks the server's certificate as far as it is asked to.
#[derive(Debug)]
struct Check {
    signed: Option<Arc<WebPkiServerVerifier>>,
    named: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Check {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        let Some(signed) = &self.signed else { return Ok(ServerCertVerified::assertion()) };
        match signed.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            // The name is checked last: everything else is in order.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.named => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
