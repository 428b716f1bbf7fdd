//! `[telemetry]`: what others are told about how requests went.

use url::Url;

use super::keys::{Key, Keys, key};

/// `[telemetry]`.
#[derive(Clone, Debug)]
pub struct Telemetry {
    /// Where spans go; None: nowhere.
    pub otlp_endpoint: Option<Url>,
}

pub(super) static KEYS: &[Key] = &[key(
    "telemetry.otlp_endpoint",
    "none: nothing is sent",
    "The OpenTelemetry collector that gets a span of each request: http://host:4318 (OTLP over HTTP). Only in a program \
     that was built with the cargo feature otel.",
)];

impl Telemetry {
    pub(super) fn read(keys: &mut Keys) -> Telemetry {
        Telemetry { otlp_endpoint: keys.parsed("telemetry.otlp_endpoint", endpoint) }
    }
}

/// A collector is near by: it is what speaks TLS to the world.
fn endpoint(text: &str) -> Result<Url, &'static str> {
    let mut url = Url::parse(text).ok().filter(|url| url.scheme() == "http" && url.has_host());
    if let Some(url) = url.as_mut().filter(|url| url.path() == "/") {
        // OTLP/HTTP: where the path is not said, it is this.
        url.set_path("/v1/traces");
    }
    url.ok_or("must be an address such as http://127.0.0.1:4318")
}
