//! OTLP over HTTP: a span of each request, sent in batches. The collector being slow or away costs no request anything; what
//! does not fit into the queue of the batches is lost.

use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use hyper::{Method, header};
use hyper_util::rt::TokioIo;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{Span, SpanKind, Status, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HeaderExtractor, HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use url::Url;

use crate::config;

/// How long a batch may take to be handed over.
const LONGEST: Duration = Duration::from_secs(10);
/// The largest answer of a collector that is looked at.
const ANSWER: usize = 64 << 10;

/// The way to the collector, if there is one.
#[derive(Clone, Debug)]
pub struct Telemetry(Option<SdkTracerProvider>);

impl Telemetry {
    /// Begins to collect spans.
    pub fn start(config: &config::Telemetry) -> Result<Telemetry> {
        let Some(endpoint) = &config.otlp_endpoint else { return Ok(Telemetry(None)) };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector { runtime: Handle::current() })
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(LONGEST)
            .with_endpoint(endpoint.as_str())
            .build()
            .context("telemetry.otlp_endpoint")?;
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder().with_service_name("kalends").with_attribute(version).build();
        Ok(Telemetry(Some(SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build())))
    }

    /// Every request to this router is a span.
    pub fn around(&self, router: Router) -> Router {
        match &self.0 {
            Some(provider) => router.layer(from_fn_with_state(provider.tracer("kalends"), spanned)),
            None => router,
        }
    }

    /// Hands over what is still here.
    pub async fn stop(self) {
        let Some(provider) = self.0 else { return };
        // It waits for the collector, which is spoken to from the threads of the runtime.
        match spawn_blocking(move || provider.shutdown()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last spans did not reach the collector"),
            Err(error) => tracing::warn!(%error, "the last spans were not handed over"),
        }
    }
}

/// Neither the path nor the query: they say whose data it is about. The request id leads to the log line.
async fn spanned(State(tracer): State<SdkTracer>, request: Request, next: Next) -> Response {
    let caller = HeaderExtractor(request.headers());
    let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &caller);
    let route = request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str);
    let method = name_of(request.method());
    let begun = tracer
        .span_builder(format!("{method} {route}"))
        .with_kind(SpanKind::Server)
        .with_attributes([KeyValue::new("http.request.method", method), KeyValue::new("http.route", route.to_owned())]);
    let mut span = begun.start_with_context(&tracer, &parent);
    let response = next.run(request).await;
    span.set_attribute(KeyValue::new("http.response.status_code", i64::from(response.status().as_u16())));
    if let Some(id) = response.headers().get("x-request-id").and_then(|id| id.to_str().ok()) {
        span.set_attribute(KeyValue::new("kalends.request_id", id.to_owned()));
    }
    if response.status().is_server_error() {
        span.set_status(Status::error(""));
    }
    span.end();
    response
}

/// A client may invent methods; a collector keeps a series for each.
fn name_of(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "_OTHER",
    }
}

/// Speaks HTTP to the collector: a connection for each batch, which is one every few seconds. Batches are made on a thread of
/// their own, so the runtime is told apart.
#[derive(Debug)]
struct Collector {
    runtime: Handle,
}

#[async_trait::async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: hyper::Request<Bytes>) -> Result<hyper::Response<Bytes>, HttpError> {
        self.runtime.spawn(async { tokio::time::timeout(LONGEST, send(request)).await }).await??
    }
}

async fn send(request: hyper::Request<Bytes>) -> Result<hyper::Response<Bytes>, HttpError> {
    let url = Url::parse(&request.uri().to_string())?;
    let tcp = match url.socket_addrs(|| None)?.as_slice() {
        [] => return Err("the collector has no address".into()),
        all => TcpStream::connect(all).await?,
    };
    let (mut collector, connection) = hyper::client::conn::http1::handshake(TokioIo::new(tcp)).await?;
    let speaking = tokio::spawn(connection);
    let (mut head, body) = request.into_parts();
    let authority = head.uri.authority().ok_or("the collector has no name")?;
    head.headers.insert(header::HOST, authority.as_str().parse()?);
    head.uri = url.path().parse()?;
    let (head, body) = collector.send_request(hyper::Request::from_parts(head, Body::from(body))).await?.into_parts();
    let body = to_bytes(Body::new(body), ANSWER).await?;
    speaking.abort();
    Ok(hyper::Response::from_parts(head, body))
}
