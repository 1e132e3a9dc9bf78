//! The formats in which metrics are written, and which of them a scraper asks for.

use http::{HeaderMap, header};

use super::{MetricFamily, protobuf, text};

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposition {
    /// Text, with classic histograms.
    Text,
    /// Length-delimited protobuf, whose histograms are classic and native at once.
    Protobuf,
}

impl Exposition {
    /// The format that the header `accept` of a scrape prefers; text if it says nothing of either.
    #[must_use]
    pub fn accepted(headers: &HeaderMap) -> Self {
        let (mut protobuf, mut text) = (0.0, 0.0);
        let values = headers.get_all(header::ACCEPT).iter();
        for value in values.filter_map(|value| value.to_str().ok()) {
            for range in value.split(',').map(MediaRange::of) {
                if range.is_protobuf() {
                    protobuf = range.quality.max(protobuf);
                } else if range.is_text() {
                    text = range.quality.max(text);
                }
            }
        }
        if protobuf > 0.0 && protobuf >= text {
            Self::Protobuf
        } else {
            Self::Text
        }
    }

    /// Its media type.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
        }
    }

    /// The families in this format.
    #[must_use]
    pub fn written(self, families: &[MetricFamily]) -> Vec<u8> {
        match self {
            Self::Text => text::written(families).into_bytes(),
            Self::Protobuf => protobuf::written(families),
        }
    }
}

/// One entry of the header `accept` (RFC 9110, section 12.5.1).
struct MediaRange<'a> {
    kind: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
    quality: f32,
}

impl<'a> MediaRange<'a> {
    fn of(text: &'a str) -> Self {
        let mut parts = text.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default();
        let parameters = parts.filter_map(|part| part.split_once('='));
        let parameters = parameters.map(|(name, value)| (name.trim(), value.trim_matches('"')));
        let parameters: Vec<_> = parameters.collect();
        let quality = parameters.iter().find(|(name, _)| *name == "q");
        let quality = quality.map_or(1.0, |(_, value)| value.parse().unwrap_or(0.0));
        Self {
            kind,
            parameters,
            quality,
        }
    }

    fn has(&self, name: &str, value: &str) -> bool {
        self.parameters.contains(&(name, value))
    }

    fn is_protobuf(&self) -> bool {
        self.kind == "application/vnd.google.protobuf"
            && self.has("proto", "io.prometheus.client.MetricFamily")
            && self.has("encoding", "delimited")
    }

    fn is_text(&self) -> bool {
        matches!(self.kind, "text/plain" | "text/*" | "*/*")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scraper_gets_the_format_that_it_prefers() {
        let protobuf = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
        let native = format!(
            "{protobuf};q=0.6,application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
        );
        for (accept, format) in [
            ("*/*", Exposition::Text),
            ("", Exposition::Text),
            ("text/html, application/json", Exposition::Text),
            (&native, Exposition::Protobuf),
            (
                &format!("{protobuf}, text/plain;q=0.5"),
                Exposition::Protobuf,
            ),
            (&format!("{protobuf};q=0.1, text/plain"), Exposition::Text),
            (&format!("{protobuf};q=0"), Exposition::Text),
            // What is not delimited is another format.
            (
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text",
                Exposition::Text,
            ),
            (
                "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5",
                Exposition::Text,
            ),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            assert_eq!(Exposition::accepted(&headers), format, "{accept}");
        }
        assert_eq!(Exposition::accepted(&HeaderMap::new()), Exposition::Text);
    }
}
