//! Numbers for Prometheus: one recorder for the process, whatever the number of servers in it.

use std::sync::OnceLock;

use anyhow::Result;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// Seconds: from what a cached read takes to what nobody should wait for.
const SECONDS: &[f64] = &[0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

/// The process's recorder, installed at the first call.
pub fn handle() -> Result<PrometheusHandle> {
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    let recorder = PrometheusBuilder::new().set_buckets(SECONDS)?.build_recorder();
    let handle = HANDLE.get_or_init(|| {
        let handle = recorder.handle();
        // Another recorder is there only if somebody embeds the server and measures it in his own way.
        metrics::set_global_recorder(recorder).ok();
        metrics::describe_gauge!("kalends_build_info", "Which Kalends this is");
        metrics::gauge!("kalends_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        metrics::describe_counter!("kalends_http_requests_total", "Requests by method, route and status");
        metrics::describe_histogram!("kalends_http_request_seconds", "How long requests took");
        handle
    });
    Ok(handle.clone())
}
