//! The address of a server. The parameters about TLS are read here, because the driver does not know all of them.

use std::str::FromStr;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::tls::{self, Certificates, Trust};
use crate::{Error, Result};

/// Nothing of ours takes seconds; a session that hangs lets go of its locks and of the log's horizon by itself.
const SETTINGS: &str =
    "-c statement_timeout=30s -c idle_in_transaction_session_timeout=30s -c lock_timeout=10s -c timezone=UTC";

/// Where a server is and how to connect to it.
#[derive(Clone)]
pub(crate) struct Address {
    pub(crate) config: Config,
    pub(crate) tls: MakeRustlsConnect,
}

impl Address {
    /// Reads `postgres://user:password@host:port/database?sslmode=…&sslrootcert=…`.
    pub(crate) fn parse(url: &str) -> Result<Address> {
        let unreadable = || {
            Error::Setup(
                "the database URL cannot be read; write postgres://user:password@host:port/database".to_owned(),
            )
        };
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let mut mode = None;
        let mut certificates = Certificates::default();
        let mut others = Vec::new();
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').ok_or_else(unreadable)?;
            let value = percent_decode_str(value).decode_utf8().map_err(|_| unreadable())?.into_owned();
            match name {
                "sslmode" => mode = Some(value),
                "sslrootcert" => certificates.roots = Some(value.into()),
                "sslcert" => certificates.certificate = Some(value.into()),
                "sslkey" => certificates.key = Some(value.into()),
                _ => others.push(parameter),
            }
        }
        let mut config = Config::from_str(&format!("{base}?{}", others.join("&"))).map_err(|error| {
            // The driver names a parameter that it does not know; a URL with a password is never repeated.
            match std::error::Error::source(&error) {
                Some(reason) if !others.is_empty() => {
                    Error::Setup(format!("the database URL has a parameter that cannot be used: {reason}"))
                }
                _ => unreadable(),
            }
        })?;
        let (ssl, trust) = match mode.as_deref() {
            Some("disable") => (SslMode::Disable, Trust::Anyone),
            None | Some("prefer" | "allow") => (SslMode::Prefer, Trust::Anyone),
            // As libpq does: with a root certificate it is checked.
            Some("require") if certificates.roots.is_some() => (SslMode::Require, Trust::SignedByRoot),
            Some("require") => (SslMode::Require, Trust::Anyone),
            Some("verify-ca") => (SslMode::Require, Trust::SignedByRoot),
            Some("verify-full") => (SslMode::Require, Trust::NamedAndSigned),
            Some(other) => {
                return Err(Error::Setup(format!(
                    "the database URL has sslmode={other}; it must be disable, prefer, require, verify-ca or verify-full"
                )));
            }
        };
        let settings = match config.get_options() {
            Some(own) => format!("{SETTINGS} {own}"),
            None => SETTINGS.to_owned(),
        };
        config.ssl_mode(ssl).options(settings).connect_timeout(super::PATIENCE);
        if config.get_application_name().is_none() {
            config.application_name("kalends");
        }
        Ok(Address { config, tls: tls::connector(trust, &certificates)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> String {
        Address::parse(url).err().map(|error| error.to_string()).expect("it is refused")
    }

    #[test]
    fn the_parameters_about_tls_are_understood() {
        let ssl = |query: &str| {
            let address = Address::parse(&format!("postgres://u:p%40ss@db.example:5433/kalends{query}"));
            address.expect("a good address").config.get_ssl_mode()
        };
        assert_eq!(ssl(""), SslMode::Prefer);
        assert_eq!(ssl("?sslmode=disable"), SslMode::Disable);
        assert_eq!(ssl("?sslmode=require&application_name=x"), SslMode::Require);
        assert_eq!(ssl("?sslmode=verify-full"), SslMode::Require);
        let address =
            Address::parse("postgres://u:p%40ss@db.example/kalends?options=-c%20work_mem%3D8MB").expect("good");
        assert_eq!(address.config.get_password(), Some(&b"p@ss"[..]));
        assert!(address.config.get_options().is_some_and(|options| options.ends_with("-c work_mem=8MB")));
    }

    #[test]
    fn a_bad_address_is_explained_without_its_password() {
        let mode = refused("postgres://u:geheim@h/d?sslmode=strict");
        assert!(mode.contains("sslmode=strict") && mode.contains("verify-full"), "{mode}");
        let file = refused("postgres://u:geheim@h/d?sslmode=verify-ca&sslrootcert=/nowhere/root.crt");
        assert!(file.contains("/nowhere/root.crt"), "{file}");
        let unknown = refused("postgres://u:geheim@h/d?flavour=sweet");
        assert!(unknown.contains("flavour"), "{unknown}");
        for text in [mode, file, unknown, refused("postgres://u:geheim@h:notaport/d")] {
            assert!(!text.contains("geheim"), "{text}");
        }
    }
}
