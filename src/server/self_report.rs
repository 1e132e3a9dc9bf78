//! What a server says of itself: that it is there, and its metrics.

use http::{HeaderMap, Response, StatusCode, header};
use serde_json::json;

use super::{ReplyBody, finish, full, json_response};
use crate::metrics::{Exposition, MetricFamily};

/// The response to `/healthz`.
#[must_use]
pub fn healthy() -> Response<ReplyBody> {
    json_response(StatusCode::OK, &json!({ "status": "ok" }))
}

/// The response to a scrape with these headers, in the format that they ask for.
#[must_use]
pub fn metrics_response(headers: &HeaderMap, families: &[MetricFamily]) -> Response<ReplyBody> {
    let format = Exposition::accepted(headers);
    let response = Response::builder().header(header::CONTENT_TYPE, format.content_type());
    finish(response, full(format.written(families)))
}
