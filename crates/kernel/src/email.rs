use std::fmt;

/// An e-mail address as people write it (`local@domain`), at most 254 bytes (RFC 5321 4.5.3.1.3).
/// Two addresses that differ only in case are the same person's: compare [`EmailAddress::key`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EmailAddress(String);

/// Why a text is no e-mail address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EmailError;

impl fmt::Display for EmailError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be an e-mail address such as name@example.org")
    }
}

impl EmailAddress {
    /// Reads an address. Quoted local parts, comments and address literals (`"a b"@x`, `a@[1.2.3.4]`) are
    /// refused: nobody has one, and mail systems disagree about them.
    pub fn parse(text: &str) -> Result<EmailAddress, EmailError> {
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').ok_or(EmailError)?;
        let ok_local = !local.is_empty()
            && local.len() <= 64
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..")
            && local.chars().all(|c| c.is_alphanumeric() || ".!#$%&'*+-/=?^_`{|}~".contains(c));
        let ok_label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        };
        let ok_domain = domain.len() <= 253 && domain.contains('.') && domain.split('.').all(ok_label);
        if text.len() <= 254 && ok_local && ok_domain { Ok(EmailAddress(text.to_owned())) } else { Err(EmailError) }
    }

    /// The address as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which addresses are compared: lower case.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_people_have_are_read_and_others_refused() {
        for good in ["a@b.ch", "anna.müller@schule.example", "x+tag@sub.example.org", " padded@example.org "] {
            assert!(EmailAddress::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "a",
            "a@",
            "@b.ch",
            "a@b",
            "a b@c.ch",
            "a@b..ch",
            ".a@b.ch",
            "a..b@c.ch",
            "a@-b.ch",
            "a@b.ch\r\nBcc: x@y.z",
            "a@[1.2.3.4]",
        ] {
            assert_eq!(EmailAddress::parse(bad), Err(EmailError), "{bad}");
        }
    }
}
