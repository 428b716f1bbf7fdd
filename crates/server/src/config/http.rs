//! `[http]`: where the server listens and whom it believes.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use url::Url;

use super::keys::{Key, Keys, key};

/// `[http]`.
#[derive(Clone, Debug)]
pub struct Http {
    /// The address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where people reach the server, without a slash at the end; by default the address it listens on.
    pub public_url: Option<String>,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Which web origins may call the API from a browser.
    pub cors_origins: BTreeSet<String>,
}

pub(super) static KEYS: &[Key] = &[
    key("http.listen", "127.0.0.1:8080", "The address and port to listen on. Port 0 takes a free one."),
    key(
        "http.public_url",
        "http:// and the address it listens on",
        "Where people reach the server, as they type it: links in answers and mails begin with it.",
    ),
    key(
        "http.trusted_proxies",
        "[]",
        "Addresses or networks (10.0.0.0/8) of the reverse proxies whose X-Forwarded-For names the client. Nobody \
         else's is believed.",
    ),
    key(
        "http.cors_origins",
        "[]",
        "Web origins (https://app.example.org) whose pages may call the API from a browser; [\"*\"] for all.",
    ),
];

impl Http {
    pub(super) fn read(keys: &mut Keys) -> Http {
        let listen = keys.parsed("http.listen", |text| {
            text.parse().map_err(|_| "must be an address and a port, such as 127.0.0.1:8080")
        });
        Http {
            listen: listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8080))),
            public_url: keys.parsed("http.public_url", public_url),
            trusted_proxies: keys.list("http.trusted_proxies", network).unwrap_or_default(),
            cors_origins: keys.list("http.cors_origins", origin).unwrap_or_default().into_iter().collect(),
        }
    }
}

fn public_url(text: &str) -> Result<String, &'static str> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    match url {
        Some(url) if url.path() == "/" && url.query().is_none() && url.fragment().is_none() => {
            Ok(url.as_str().trim_end_matches('/').to_owned())
        }
        Some(_) => Err("must be an address without a path: Kalends needs a host name of its own"),
        None => Err("must be an address such as https://events.example.org"),
    }
}

fn network(text: &str) -> Result<IpNet, &'static str> {
    let single = text.parse::<IpAddr>().map(IpNet::from);
    single.or_else(|_| text.parse()).map_err(|_| "must be an address or a network such as 10.0.0.0/8")
}

fn origin(text: &str) -> Result<String, &'static str> {
    if text == "*" {
        return Ok(text.to_owned());
    }
    let url = Url::parse(text).ok().filter(|url| url.path() == "/" && url.query().is_none() && url.has_host());
    // A browser sends exactly this form, so that comparing texts is right.
    url.map(|url| url.origin().ascii_serialization()).ok_or("must be an origin such as https://app.example.org, or *")
}
