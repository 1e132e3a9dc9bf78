//! A run's phases as a bar: connecting, sending, waiting, streaming.

use egui::{CornerRadius, FontId, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::{
    desktop::{
        theme::{Theme, caption, size, space},
        widgets::ms_text,
    },
    run::{LinkTry, OffsetNs, Span, Stamps, ms},
    transport::{TlsSession, TryOutcome},
};

/// A part of the bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment {
    /// Its name.
    pub name: &'static str,
    /// When it began.
    pub begin: OffsetNs,
    /// When it ended.
    pub end: OffsetNs,
    /// Index into the theme's series colours.
    pub color: usize,
    /// What it is, in a sentence.
    pub meaning: &'static str,
}

impl Segment {
    /// The name of the segment in which tokens come.
    pub const STREAM: &'static str = "Streaming";
    /// The name of what follows the last token.
    pub const TAIL: &'static str = "Until the end";
    /// The names of the handshakes.
    const DNS: &'static str = "DNS";
    const TCP: &'static str = "TCP";
    const TLS: &'static str = "TLS";

    /// What it is, and what is known of it in a run with these stamps, in lines.
    pub fn told(&self, stamps: &Stamps) -> Vec<String> {
        let mut lines = vec![self.meaning.to_owned()];
        let Some(link) = &stamps.link else {
            return lines;
        };
        match self.name {
            // The name was resolved to them, unless the connection leads through a proxy: then the proxy's was.
            Self::DNS | Self::TCP => lines.extend(link.tries.iter().map(try_text)),
            Self::TLS => lines.extend(link.tls.map(tls_text)),
            _ => {}
        }
        lines
    }
}

/// A try to connect in words.
fn try_text(one: &LinkTry) -> String {
    let how = match one.outcome {
        TryOutcome::Connected => "connected",
        TryOutcome::Refused => "refused",
        TryOutcome::Unreachable => "unreachable",
        TryOutcome::TimedOut => "no answer",
        TryOutcome::Failed => "failed",
        TryOutcome::Dropped => "given up",
    };
    let begin = ms_text(ms(one.begin));
    match one.span() {
        Some(span) => format!(
            "{}: {how} after {}, tried at {begin}",
            one.address,
            ms_text(span.ms())
        ),
        None => format!("{}: {how}, tried at {begin}", one.address),
    }
}

/// A TLS session in words.
pub fn tls_text(tls: TlsSession) -> String {
    let how = if tls.resumed {
        "an earlier session was resumed"
    } else {
        "a full handshake"
    };
    format!("TLS {}, {how}", tls.version)
}

/// The segments of a run in order; phases that did not happen are left out.
#[must_use]
pub fn segments(stamps: &Stamps) -> Vec<Segment> {
    let mut found = handshakes(stamps);
    let connected = found.iter().map(|segment| segment.end).max().unwrap_or(0);
    found.extend(waits(stamps, connected));
    found
}

/// What opened the connection.
fn handshakes(stamps: &Stamps) -> Vec<Segment> {
    let tcp = "TCP handshake; through a proxy, with the proxy’s exchange";
    let spans = [
        (Segment::DNS, stamps.dns, 3, "Name resolution"),
        (Segment::TCP, stamps.tcp, 1, tcp),
        (Segment::TLS, stamps.tls, 5, "TLS handshake"),
    ];
    let known = spans
        .into_iter()
        .filter_map(|(name, span, color, meaning)| {
            let Span { begin, end } = span?;
            Some(Segment {
                name,
                begin,
                end,
                color,
                meaning,
            })
        });
    known.collect()
}

/// When the request was acknowledged, if that was before the head came: a server may answer before it has all of it.
fn acknowledged(stamps: &Stamps) -> Option<OffsetNs> {
    let (sent, end) = (stamps.request_sent?, stamps.headers);
    let at = stamps.link.as_ref()?.acknowledged?;
    (at >= sent && end.is_none_or(|end| at < end)).then_some(at)
}

/// The wait for the head of the response: its name and what it is.
fn until_headers(came: bool) -> (&'static str, &'static str) {
    if came {
        (
            "Until headers",
            "Waiting for the head of the response: the way there and back, and the server",
        )
    } else {
        (
            "No headers came",
            "Waiting for the head of the response, which never came",
        )
    }
}

/// The wait for the first token: its name and what it is.
fn until_token(came: bool) -> (&'static str, &'static str) {
    if came {
        (
            "Until first token",
            "Waiting for the first token after the head: the provider, or what buffers on the way",
        )
    } else {
        (
            "No token came",
            "From the head of the response to its end, without a token",
        )
    }
}

/// What came once there was a connection.
fn waits(stamps: &Stamps, connected: OffsetNs) -> impl Iterator<Item = Segment> {
    let &Stamps {
        request_sent,
        headers,
        first_token,
        last_token,
        closed,
        ..
    } = stamps;
    let acknowledged = acknowledged(stamps);
    let (head, until_head) = until_headers(headers.is_some());
    let (token, until_token) = until_token(first_token.is_some());
    let tail = "Usage, the end mark and the end of the response";
    let ends = [
        (
            "Request",
            Some(connected),
            request_sent,
            4,
            "Handing the request to the connection",
        ),
        (
            "Until acknowledged",
            request_sent,
            acknowledged,
            6,
            "Until the nearest TCP endpoint, which may be a proxy or an edge, had acknowledged the whole request",
        ),
        (
            head,
            acknowledged.or(request_sent),
            headers.or(closed),
            7,
            until_head,
        ),
        (token, headers, first_token.or(closed), 0, until_token),
        (
            Segment::STREAM,
            first_token,
            last_token,
            2,
            "From the first to the last token",
        ),
        (Segment::TAIL, last_token, closed, 7, tail),
    ];
    ends.into_iter()
        .filter_map(|(name, begin, end, color, meaning)| {
            let (begin, end) = begin.zip(end)?;
            (end > begin).then_some(Segment {
                name,
                begin,
                end,
                color,
                meaning,
            })
        })
}

/// Shows the bar and a legend of its colours.
pub fn show(ui: &mut Ui, theme: &Theme, stamps: &Stamps) {
    let segments = segments(stamps);
    let Some(end) = segments.iter().map(|segment| segment.end).max() else {
        ui.label(caption(
            theme,
            "No stamps: the run ended before its first phase",
        ));
        return;
    };
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 14.0), Sense::hover());
    let painter = ui.painter();
    painter.rect_filled(rect, CornerRadius::same(3), theme.raised);
    let x = |at: OffsetNs| rect.left() + rect.width() * share(at, end);
    for segment in &segments {
        let right = x(segment.end).max(x(segment.begin) + 1.0);
        let part = Rect::from_min_max(
            pos2(x(segment.begin), rect.top()),
            pos2(right, rect.bottom()),
        );
        painter.rect_filled(
            part,
            CornerRadius::same(2),
            theme.series_color(segment.color),
        );
    }
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "Phases of the run"));
    ui.add_space(space::XS);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(space::M, 2.0);
        for segment in &segments {
            legend_entry(ui, theme, segment, stamps);
        }
    });
}

/// An entry of the legend: a single widget, so that the row breaks only between entries.
fn legend_entry(ui: &mut Ui, theme: &Theme, segment: &Segment, stamps: &Stamps) {
    let took = ms_text(ms(segment.end.saturating_sub(segment.begin)));
    let text = format!("{} {took}", segment.name);
    let font = FontId::proportional(size::SMALL);
    let galley = ui
        .painter()
        .layout_no_wrap(text.clone(), font, theme.text_dim);
    let (rect, response) = ui.allocate_exact_size(galley.size() + vec2(13.0, 0.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &text));
    response.on_hover_text(segment.told(stamps).join("\n"));
    let swatch = Rect::from_center_size(rect.left_center() + vec2(4.0, 0.0), vec2(8.0, 8.0));
    let painter = ui.painter();
    painter.rect_filled(
        swatch,
        CornerRadius::same(2),
        theme.series_color(segment.color),
    );
    painter.galley(rect.min + vec2(13.0, 0.0), galley, theme.text_dim);
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a share of a bar on screen"
)]
fn share(at: OffsetNs, end: OffsetNs) -> f32 {
    (at as f64 / end.max(1) as f64) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{run::Link, transport::TlsVersion};

    #[test]
    fn a_warm_run_has_no_handshakes() {
        let stamps = Stamps {
            request_sent: Some(10),
            headers: Some(50),
            first_token: Some(80),
            last_token: Some(200),
            closed: Some(210),
            ..Stamps::default()
        };
        let names: Vec<_> = segments(&stamps).iter().map(|s| s.name).collect();
        assert_eq!(
            names,
            [
                "Request",
                "Until headers",
                "Until first token",
                "Streaming",
                "Until the end"
            ]
        );
    }

    #[test]
    fn what_is_known_of_a_handshake_is_told_with_it() {
        let one = |address: &str, begin, end, outcome| LinkTry {
            address: address.parse().unwrap(),
            begin,
            end,
            outcome,
        };
        let span = Some(Span { begin: 0, end: 5 });
        let stamps = Stamps {
            dns: span,
            tls: span,
            request_sent: Some(6),
            headers: Some(90),
            link: Some(Link {
                tries: vec![
                    one("[2001:db8::1]:443", 1_000_000, None, TryOutcome::Dropped),
                    one(
                        "192.0.2.1:443",
                        251_000_000,
                        Some(275_000_000),
                        TryOutcome::Connected,
                    ),
                ],
                tls: Some(TlsSession {
                    version: TlsVersion::Tls12,
                    resumed: true,
                }),
                acknowledged: Some(40),
                ..Link::default()
            }),
            ..Stamps::default()
        };
        let found = segments(&stamps);
        let names: Vec<_> = found.iter().map(|s| (s.name, s.begin, s.end)).collect();
        let waits = [("Until acknowledged", 6, 40), ("Until headers", 40, 90)];
        assert_eq!(names[2..], [("Request", 5, 6), waits[0], waits[1]]);
        let told = found[0].told(&stamps);
        assert_eq!(
            told[1..],
            [
                "[2001:db8::1]:443: given up, tried at 1.0 ms",
                "192.0.2.1:443: connected after 24 ms, tried at 251 ms"
            ]
        );
        let told = found[1].told(&stamps);
        assert_eq!(told[1..], ["TLS 1.2, an earlier session was resumed"]);
    }

    #[test]
    fn a_run_that_broke_while_connecting_shows_what_it_had() {
        let stamps = Stamps {
            dns: Some(Span { begin: 0, end: 5 }),
            closed: Some(9),
            ..Stamps::default()
        };
        let found = segments(&stamps);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].name, "DNS");
        assert!(segments(&Stamps::default()).is_empty());
    }
}
