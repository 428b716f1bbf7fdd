//! Spans of requests for an OpenTelemetry collector, in a program that was built with the feature `otel`.

#[cfg(feature = "otel")]
mod otlp;

#[cfg(feature = "otel")]
pub use otlp::Telemetry;

#[cfg(not(feature = "otel"))]
mod none {
    use anyhow::{Result, bail};
    use axum::Router;

    use crate::config;

    /// Nothing: this program was built without it.
    #[derive(Clone, Debug)]
    pub struct Telemetry;

    impl Telemetry {
        /// Refuses to promise what it cannot do.
        pub fn start(config: &config::Telemetry) -> Result<Telemetry> {
            if config.otlp_endpoint.is_some() {
                bail!("telemetry.otlp_endpoint: this program was built without OpenTelemetry (cargo feature otel)");
            }
            Ok(Telemetry)
        }

        pub fn around(&self, router: Router) -> Router {
            router
        }

        pub async fn stop(self) {}
    }
}

#[cfg(not(feature = "otel"))]
pub use none::Telemetry;
