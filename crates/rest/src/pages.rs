//! `/problems/<slug>`: what a problem's `type` leads to. Plain pages: no script, no picture, one colour scheme of the
//! reader's choice.

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header;

use crate::app::App;
use crate::codes::{self, Code};
use crate::extract::PathId;
use crate::problem::{Answer, Problem};

/// The pages.
pub fn router() -> Router<App> {
    Router::new().route("/problems", get(index)).route("/problems/{slug}", get(one))
}

async fn index() -> Response {
    let rows: String = codes::ALL
        .iter()
        .map(|code| {
            let (slug, status, title) = (code.slug, code.status, escaped(code.title));
            format!("<tr><td><a href=\"/problems/{slug}\"><code>{slug}</code></a><td>{status}<td>{title}\n")
        })
        .collect();
    html(
        "Problems",
        &format!(
            "<p>Every error of the API is a problem document (RFC 9457). Its <code>type</code> is one of these.\n\
             <table><thead><tr><th scope=\"col\">Problem<th scope=\"col\">Status<th scope=\"col\">What happened\
             <tbody>\n{rows}</table>"
        ),
    )
}

async fn one(PathId(slug): PathId<String>) -> Answer<Response> {
    let code: &Code =
        codes::ALL.iter().find(|code| code.slug == slug).ok_or_else(|| Problem::new(&codes::NOT_FOUND))?;
    let body = format!(
        "<p>Status {} · <code>{}</code>\n<p>{}\n<p><a href=\"/problems\">All problems</a> · <a href=\"/api/redoc\">API \
         documentation</a>",
        code.status,
        code.slug,
        with_code(code.help),
    );
    Ok(html(code.title, &body))
}

fn html(title: &str, body: &str) -> Response {
    let title = escaped(title);
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title} · Kalends</title>\n\
         <style>body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 42rem; margin: 2rem auto; padding: 0 1rem }} \
         td, th {{ text-align: left; padding: .2rem 1rem .2rem 0; vertical-align: top }}</style>\n</head>\n\
         <body>\n<main>\n<h1>{title}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    );
    let policy =
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, policy)], page)
        .into_response()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Text in which `words in backticks` are code.
fn with_code(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts
        .map(|(number, part)| if number % 2 == 1 { format!("<code>{}</code>", escaped(part)) } else { escaped(part) })
        .collect()
}
