//! A run's time as a bar: connecting, sending, waiting, streaming.

use egui::{CornerRadius, FontId, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::{
    desktop::{
        theme::{Theme, caption, size, space},
        widgets::ms_text,
    },
    run::{OffsetNs, Stamps, ms},
};

/// A stretch of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    /// What was done.
    pub name: &'static str,
    /// When it began.
    pub begin: OffsetNs,
    /// When it ended.
    pub end: OffsetNs,
    /// Its place in the list of colours.
    color: usize,
}

/// The stretches of a run, one after the other; those that did not happen are left out.
#[must_use]
pub fn stretches(stamps: &Stamps) -> Vec<Stretch> {
    let spans = [
        ("DNS", stamps.dns, 3),
        ("TCP", stamps.tcp, 1),
        ("TLS", stamps.tls, 5),
    ];
    let mut found: Vec<_> = (spans.into_iter())
        .filter_map(|(name, span, color)| {
            span.map(|span| Stretch {
                name,
                begin: span.begin,
                end: span.end,
                color,
            })
        })
        .collect();
    let ends = [
        (
            "Waiting for the head",
            stamps.request_sent,
            stamps.headers,
            7,
        ),
        (
            "Waiting for the first token",
            stamps.headers,
            stamps.first_token.or(stamps.closed),
            0,
        ),
        ("Streaming", stamps.first_token, stamps.last_token, 2),
        ("Until the end", stamps.last_token, stamps.closed, 7),
    ];
    found.extend(ends.into_iter().filter_map(|(name, begin, end, color)| {
        let (begin, end) = begin.zip(end)?;
        (end > begin).then_some(Stretch {
            name,
            begin,
            end,
            color,
        })
    }));
    found
}

/// Shows the bar and what its colours mean.
pub fn show(ui: &mut Ui, theme: &Theme, stamps: &Stamps) {
    let stretches = stretches(stamps);
    let Some(end) = stretches.iter().map(|stretch| stretch.end).max() else {
        ui.label(caption(
            theme,
            "Nothing was stamped: the run did not get so far",
        ));
        return;
    };
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 14.0), Sense::hover());
    let painter = ui.painter();
    painter.rect_filled(rect, CornerRadius::same(3), theme.raised);
    let x = |at: OffsetNs| rect.left() + rect.width() * share(at, end);
    for stretch in &stretches {
        let right = x(stretch.end).max(x(stretch.begin) + 1.0);
        let part = Rect::from_min_max(
            pos2(x(stretch.begin), rect.top()),
            pos2(right, rect.bottom()),
        );
        painter.rect_filled(
            part,
            CornerRadius::same(2),
            theme.series_color(stretch.color),
        );
    }
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "Phases of the run"));
    ui.add_space(space::XS);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(space::M, 2.0);
        for stretch in &stretches {
            key(ui, theme, stretch);
        }
    });
}

/// One entry of the key: a single thing, so that the row breaks between entries only.
fn key(ui: &mut Ui, theme: &Theme, stretch: &Stretch) {
    let took = ms_text(ms(stretch.end.saturating_sub(stretch.begin)));
    let text = format!("{} {took}", stretch.name);
    let font = FontId::proportional(size::SMALL);
    let galley = ui
        .painter()
        .layout_no_wrap(text.clone(), font, theme.text_dim);
    let (rect, response) = ui.allocate_exact_size(galley.size() + vec2(13.0, 0.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &text));
    let swatch = Rect::from_center_size(rect.left_center() + vec2(4.0, 0.0), vec2(8.0, 8.0));
    let painter = ui.painter();
    painter.rect_filled(
        swatch,
        CornerRadius::same(2),
        theme.series_color(stretch.color),
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
    use crate::run::Span;

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
        let names: Vec<_> = stretches(&stamps).iter().map(|s| s.name).collect();
        assert_eq!(
            names,
            [
                "Waiting for the head",
                "Waiting for the first token",
                "Streaming",
                "Until the end"
            ]
        );
    }

    #[test]
    fn a_run_that_broke_while_connecting_shows_what_it_had() {
        let stamps = Stamps {
            dns: Some(Span { begin: 0, end: 5 }),
            closed: Some(9),
            ..Stamps::default()
        };
        let found = stretches(&stamps);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].name, "DNS");
        assert!(stretches(&Stamps::default()).is_empty());
    }
}
