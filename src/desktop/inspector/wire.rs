//! The inspector's third tab: what went over the wire of a run. The body's frames are rows, raw beside decoded, with
//! search and a filter by kind of event; request and response are shown with all headers.
//!
//! In: a [`DecodedCapture`]. Out: questions to the engine, which searches. Only the rows on screen are looked at.

mod detail;
mod excerpt;
mod filter;
mod frames;
mod loaded;
mod message;

use std::sync::Arc;

use egui::{Panel, Ui};

use self::{
    detail::FrameDetail,
    filter::{Filter, Matched},
    frames::FrameList,
    loaded::sentence,
    message::RequestBody,
};
pub use self::{
    excerpt::{events_line, raw_line},
    loaded::{Wires, absent_ui},
};
use super::facts::RunFacts;
use crate::{
    capture::DecodedCapture,
    desktop::{
        theme::{caption, space},
        view::Cx,
        widgets::{count, counted, segmented},
    },
};

/// What is shown of the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum WirePage {
    /// The body of the response, frame by frame.
    #[default]
    Frames,
    /// The request.
    Request,
    /// The head of the response, and its trailers.
    Response,
}

/// The tab's state.
#[derive(Debug, Default)]
pub struct WireTab {
    /// What it shows; a change starts its rows anew.
    of: Option<Arc<DecodedCapture>>,
    page: WirePage,
    filter: Filter,
    list: FrameList,
    detail: FrameDetail,
    request: RequestBody,
}

/// What is shown.
#[derive(Clone, Copy, Debug)]
pub struct ShownWire<'a> {
    /// The capture.
    pub decoded: &'a Arc<DecodedCapture>,
    /// What was derived from its run.
    pub facts: &'a RunFacts,
    /// How many of its rows have come so far in a replay.
    pub rows: usize,
    /// Whether the latest row stays in view.
    pub follows: bool,
}

impl WireTab {
    /// Goes to a row.
    pub fn go_to(&mut self, row: usize) {
        self.page = WirePage::Frames;
        self.list.select(row);
    }

    /// Shows a capture.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, shown: ShownWire<'_>) {
        let is_same = (self.of.as_ref()).is_some_and(|of| Arc::ptr_eq(of, shown.decoded));
        if !is_same {
            self.of = Some(Arc::clone(shown.decoded));
            self.list = FrameList::default();
            self.detail = FrameDetail::default();
            self.request = RequestBody::default();
            self.filter.start_over();
        }
        self.head_ui(ui, cx, shown);
        ui.add_space(space::XS);
        let response = shown.decoded.capture.response.as_ref();
        match self.page {
            WirePage::Frames => self.frames_ui(ui, cx, shown),
            WirePage::Request => {
                let request = shown.decoded.capture.request.as_ref();
                message::request_ui(ui, cx.theme, request, &mut self.request);
            }
            WirePage::Response => message::response_ui(ui, cx.theme, response),
        }
    }

    fn head_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, shown: ShownWire<'_>) {
        let theme = cx.theme;
        ui.horizontal(|ui| {
            let pages = [
                (WirePage::Frames, "Frames"),
                (WirePage::Request, "Request"),
                (WirePage::Response, "Response"),
            ];
            segmented(ui, theme, "Wire", &mut self.page, &pages);
            if self.page == WirePage::Frames {
                let matched = self.filter.matched(shown.rows);
                let text = count_text(&matched, shown);
                ui.add(egui::Label::new(caption(theme, text)).truncate());
            }
        });
        if self.page == WirePage::Frames {
            ui.add_space(space::XS);
            self.filter.ui(ui, theme, shown.decoded);
            self.filter.follow(shown.decoded, cx.commands);
        }
    }

    fn frames_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, shown: ShownWire<'_>) {
        let theme = cx.theme;
        if let Some(missing) = missing(shown.decoded) {
            ui.label(caption(theme, missing).color(theme.warn));
        }
        let matched = self.filter.matched(shown.rows);
        self.list.keys(ui, &matched);
        let room = ui.available_height();
        let selected = self.list.selected().filter(|row| *row < shown.rows);
        Panel::bottom("inspector.wire.detail")
            .frame(egui::Frame::new())
            .default_size((room * 0.44).clamp(110.0, 340.0))
            .size_range(80.0..=(room - 90.0).max(81.0))
            .show(ui, |ui| {
                let text = self.filter.text();
                self.detail.ui(ui, theme, shown, selected, text);
            });
        self.list.ui(ui, theme, shown, &matched);
    }
}

/// What of the response's body is not kept, as a sentence.
fn missing(decoded: &DecodedCapture) -> Option<String> {
    let response = decoded.capture.response.as_ref()?;
    Some(sentence(&response.body.missing()?))
}

fn count_text(matched: &Matched<'_>, shown: ShownWire<'_>) -> String {
    let rows = counted(shown.rows as u64, "row");
    match matched {
        Matched::All(_) => rows,
        Matched::Some(found) => format!("{} of {rows}", count(found.len() as u64)),
        Matched::Awaited => "Searching…".to_owned(),
    }
}
