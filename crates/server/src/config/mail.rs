//! `[mail]`: how mail leaves. Read and checked now; used once mail is sent.

use kalends_kernel::{EmailAddress, Secret};
use url::Url;

use super::keys::{Key, Keys, key, secret};

/// `[mail]`.
#[derive(Clone, Debug)]
pub struct Mail {
    /// `smtp://host:port` or `smtps://…`; it may hold a password. None: no mail is sent.
    pub smtp_url: Option<Secret>,
    /// The sender, as `name@example.org` or `Name <name@example.org>`.
    pub from: Option<String>,
}

pub(super) static KEYS: &[Key] = &[
    secret(
        "mail.smtp_url",
        "none: no mail is sent",
        "The mail server: smtp://user:password@host:port, or smtps:// for TLS from the first byte.",
    ),
    key(
        "mail.from",
        "none; needed with mail.smtp_url",
        "The sender: events@example.org or Events <events@example.org>.",
    ),
];

impl Mail {
    pub(super) fn read(keys: &mut Keys) -> Mail {
        let smtp_url = keys.string("mail.smtp_url");
        if let Some(text) = &smtp_url {
            let good = Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "smtp" | "smtps") && url.has_host());
            if !good {
                // It may hold a password: the message does not quote it.
                keys.wrong("mail.smtp_url", "must be an address such as smtp://host:587 or smtps://host:465");
            }
        }
        let from = keys.parsed("mail.from", sender);
        if smtp_url.is_some() && keys.place("mail.from").is_none() {
            keys.wrong("mail.smtp_url", "needs mail.from too: the address that mails come from");
        }
        Mail { smtp_url: smtp_url.map(Secret::new), from }
    }
}

fn sender(text: &str) -> Result<String, &'static str> {
    let address = match text.strip_suffix('>').and_then(|rest| rest.rsplit_once('<')) {
        Some((_, address)) => address,
        None => text,
    };
    let known = EmailAddress::parse(address).map(|_| text.to_owned());
    known.map_err(|_| "must be an address such as events@example.org or Events <events@example.org>")
}
