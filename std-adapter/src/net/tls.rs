//! TLS for the client: which certificate authorities are trusted.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// Why the certificate authorities or TLS itself could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// The PEM text could not be read.
    #[error("the certificates cannot be read as PEM: {0}")]
    Pem(rustls::pki_types::pem::Error),
    /// The PEM text holds no certificate.
    #[error("the PEM text holds no certificate")]
    Empty,
    /// A certificate, or the TLS set-up as a whole, was refused.
    #[error("a certificate authority cannot be used: {0}")]
    Refused(#[from] rustls::Error),
}

/// Reads the certificate authorities in `pem`, for [`ClientSettings::extra_roots`](super::ClientSettings).
///
/// # Errors
/// [`RootsError`] when the text is not PEM, holds no certificate or one that cannot be an authority.
pub fn roots_from_pem(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, RootsError> {
    let roots: Vec<_> =
        CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(RootsError::Pem)?;
    if roots.is_empty() {
        return Err(RootsError::Empty);
    }
    let mut scratch = RootCertStore::empty();
    roots.iter().try_for_each(|root| scratch.add(root.clone()))?;
    Ok(roots)
}

/// The TLS settings of the client: the system's authorities (or the bundled ones, when the system has none) and
/// `extra`.
pub(super) fn client_config(extra: &[CertificateDer<'static>]) -> Result<ClientConfig, RootsError> {
    let mut roots = system_roots();
    extra.iter().try_for_each(|root| roots.add(root.clone()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// The authorities of the system; `SSL_CERT_FILE` and `SSL_CERT_DIR` are honoured.
fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a certificate authority of the system cannot be read");
    }
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        tracing::warn!("the system has no certificate authorities: using the bundled ones");
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}
