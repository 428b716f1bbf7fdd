//! The counters of each route. A counter is found by its name and labels; to put those together anew for every request
//! costs more than all the counting, so each is looked up once and kept.

use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};

use http::Method;
use metrics::{Counter, Histogram};

/// Of the process, as the recorder that they belong to.
static METERS: LazyLock<RwLock<HashMap<String, Vec<Meter>>>> = LazyLock::new(RwLock::default);

/// What is counted of a route with one method and one status.
struct Meter {
    method: &'static str,
    status: u16,
    requests: Counter,
    seconds: Histogram,
}

/// Counts an answer of the route `path`.
pub fn count(method: &Method, path: &str, status: u16, seconds: f64) {
    let method = label(method);
    let counted = |meters: &[Meter]| {
        let meter = meters.iter().find(|meter| meter.method == method && meter.status == status)?;
        meter.requests.increment(1);
        meter.seconds.record(seconds);
        Some(())
    };
    let known = METERS.read().unwrap_or_else(PoisonError::into_inner);
    if known.get(path).and_then(|meters| counted(meters)).is_some() {
        return;
    }
    drop(known);
    let meter = Meter {
        method,
        status,
        requests: metrics::counter!("kalends_http_requests_total", "method" => method, "path" => path.to_owned(), "status" => status.to_string()),
        seconds: metrics::histogram!("kalends_http_request_seconds", "method" => method, "path" => path.to_owned()),
    };
    let mut all = METERS.write().unwrap_or_else(PoisonError::into_inner);
    let meters = all.entry(path.to_owned()).or_default();
    // Somebody else may have been as quick; to have it twice harms nothing.
    meters.push(meter);
    counted(meters);
}

/// The method for the metrics. A client may invent others; each would be a new series, kept for ever.
fn label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
