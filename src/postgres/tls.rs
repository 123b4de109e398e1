//! TLS with libpq's words and meaning (PostgreSQL documentation, 34.19).

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use native_tls::{Certificate, TlsConnector};
use postgres_native_tls::MakeTlsConnector;

use crate::error::{Error, ErrorKind, Result};

/// libpq's `sslmode`, without `allow`, which no client of a managed server needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum SslMode {
    /// No TLS.
    Disable,
    /// TLS if the server has it and takes it; its certificate is not looked at.
    Prefer,
    /// TLS; the certificate is looked at only if --sslrootcert is given.
    Require,
    /// TLS with a certificate of an authority in --sslrootcert's file.
    VerifyCa,
    /// TLS with a certificate of a known authority for the server's name.
    VerifyFull,
}

/// Which certificate authorities are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RootCertificates {
    /// Those of the operating system.
    System,
    /// Those in this PEM file.
    File(PathBuf),
}

impl FromStr for RootCertificates {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text == "system" { Self::System } else { Self::File(PathBuf::from(text)) })
    }
}

impl fmt::Display for RootCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// The connector of all connections. It is made once: loading the certificates anew for each
/// connection costs 35 ms (measured).
#[derive(Clone)]
pub struct Tls {
    connector: MakeTlsConnector,
    mode: SslMode,
}

impl Tls {
    /// Loads the certificates.
    ///
    /// # Errors
    /// When the file cannot be read or holds no certificate.
    pub fn new(mode: SslMode, roots: Option<&RootCertificates>) -> Result<Self> {
        refuse_weak(mode, roots)?;
        let mut builder = TlsConnector::builder();
        // libpq: `require` with a root certificate file is `verify-ca`.
        let (verify, names) = match (mode, roots) {
            (SslMode::VerifyFull, _) => (true, true),
            (SslMode::VerifyCa, _) | (SslMode::Require, Some(RootCertificates::File(_))) => {
                (true, false)
            }
            (SslMode::Disable | SslMode::Prefer | SslMode::Require, _) => (false, false),
        };
        builder.danger_accept_invalid_certs(!verify).danger_accept_invalid_hostnames(!names);
        if let (true, Some(RootCertificates::File(path))) = (verify, roots) {
            builder.disable_built_in_roots(true);
            for certificate in read_certificates(path)? {
                builder.add_root_certificate(certificate);
            }
        }
        let connector =
            builder.build().map_err(|error| Error::new(format!("cannot set up TLS: {error}")))?;
        Ok(Self { connector: MakeTlsConnector::new(connector), mode })
    }

    pub(super) fn connector(&self) -> MakeTlsConnector {
        self.connector.clone()
    }

    /// Whether a connection without TLS will do where the server wants none.
    pub(super) fn is_optional(&self) -> bool {
        match self.mode {
            SslMode::Prefer => true,
            SslMode::Disable | SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => false,
        }
    }

    pub(super) fn mode(&self) -> tokio_postgres::config::SslMode {
        use tokio_postgres::config::SslMode as Theirs;
        match self.mode {
            SslMode::Disable => Theirs::Disable,
            SslMode::Prefer => Theirs::Prefer,
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => Theirs::Require,
        }
    }
}

/// A certificate that any public authority signed, for any name, proves nothing. libpq refuses these, too
/// (PostgreSQL documentation, 34.19.1 and `sslrootcert` in 34.1.2).
fn refuse_weak(mode: SslMode, roots: Option<&RootCertificates>) -> Result<()> {
    let (message, hint) = match (mode, roots) {
        (SslMode::VerifyCa, None) => (
            "--sslmode verify-ca needs --sslrootcert FILE",
            "for RDS that is https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem",
        ),
        (SslMode::Require | SslMode::VerifyCa, Some(RootCertificates::System)) => (
            "--sslrootcert system goes with --sslmode verify-full alone",
            "anybody can have a certificate for a name of their own; only verify-full compares the name",
        ),
        (SslMode::Disable | SslMode::Prefer | SslMode::Require | SslMode::VerifyFull, _)
        | (SslMode::VerifyCa, Some(RootCertificates::File(_))) => return Ok(()),
    };
    Err(Error::of(ErrorKind::Usage, message).hint(hint))
}

/// `stack_from_pem` takes a file without any certificate for an empty list (measured).
fn read_certificates(path: &PathBuf) -> Result<Vec<Certificate>> {
    let hint = "give --sslrootcert a PEM file of certificate authorities, or `system`";
    let shown = path.display();
    let pem = std::fs::read(path)
        .map_err(|error| Error::new(format!("cannot read {shown}: {error}")).hint(hint))?;
    match Certificate::stack_from_pem(&pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) | Err(_) => Err(Error::new(format!("{shown} holds no certificate")).hint(hint)),
    }
}
