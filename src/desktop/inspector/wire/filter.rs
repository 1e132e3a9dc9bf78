//! Which frames are shown: a search, and the kinds of their events. The engine searches.

use std::sync::Arc;

use egui::{Button, Id, Popup, PopupCloseBehavior, RichText, Role, Ui, WidgetInfo};

use crate::{
    capture::{DecodedCapture, FrameQuery},
    desktop::{
        icons,
        theme::{Theme, size},
        widgets::{count, search_box},
    },
    engine::{Asked, Command, ComputeCommand, ask},
    event::{EventKind, EventKinds},
};

/// Room for the button with the kinds.
const BUTTON: f32 = 124.0;

/// The filter's state.
#[derive(Debug, Default)]
pub struct Filter {
    query: FrameQuery,
    /// What was asked for.
    asked: FrameQuery,
    finding: Asked<Vec<usize>>,
    found: Option<Vec<usize>>,
}

/// The rows that are shown, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matched<'a> {
    /// So many, from the first on.
    All(usize),
    /// These.
    Some(&'a [usize]),
    /// Not known yet.
    Awaited,
}

impl Matched<'_> {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::All(rows) => *rows,
            Self::Some(found) => found.len(),
            Self::Awaited => 0,
        }
    }

    /// The row in this place.
    #[must_use]
    pub fn row(&self, place: usize) -> Option<usize> {
        match self {
            Self::All(rows) => Some(place).filter(|place| place < rows),
            Self::Some(found) => found.get(place).copied(),
            Self::Awaited => None,
        }
    }

    /// The place of a row, or of the next one that is shown.
    #[must_use]
    pub fn place(&self, row: usize) -> usize {
        match self {
            Self::All(rows) => row.min(*rows),
            Self::Some(found) => found.partition_point(|found| *found < row),
            Self::Awaited => 0,
        }
    }
}

impl Filter {
    /// What is searched for.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.query.text
    }

    /// Forgets what was found: another capture is shown.
    pub fn start_over(&mut self) {
        self.asked = FrameQuery::default();
        self.found = None;
    }

    /// The rows that are shown of the first so many.
    #[must_use]
    pub fn matched(&self, rows: usize) -> Matched<'_> {
        if self.query.is_all() {
            return Matched::All(rows);
        }
        match &self.found {
            Some(found) => Matched::Some(&found[..found.partition_point(|row| *row < rows)]),
            None => Matched::Awaited,
        }
    }

    /// Has the engine search where the query has changed, and takes what it found.
    pub fn follow(&mut self, decoded: &Arc<DecodedCapture>, commands: &mut Vec<Command>) {
        if self.query != self.asked {
            self.asked = self.query.clone();
            if self.query.is_all() {
                (self.finding, self.found) = (Asked::default(), None);
                return;
            }
            let (reply, finding) = ask();
            self.finding = finding;
            commands.push(Command::Compute(ComputeCommand::FindFrames {
                decoded: Arc::clone(decoded),
                query: self.query.clone(),
                reply,
            }));
        }
        if let Some(found) = self.finding.take() {
            self.found = Some(found);
        }
    }

    /// Shows the search field and the kinds.
    pub fn ui(&mut self, ui: &mut Ui, theme: &Theme, decoded: &DecodedCapture) {
        ui.horizontal(|ui| {
            let id = Id::unique("inspector.wire.search");
            let width = (ui.available_width() - BUTTON - 40.0).clamp(90.0, 320.0);
            search_box(
                ui,
                theme,
                id,
                "Search the frames",
                &mut self.query.text,
                width,
            );
            let label = format!("{}  {}", kinds_text(self.query.kinds), icons::CHEVRON_DOWN);
            let text = RichText::new(label).size(size::SMALL);
            let button = ui.add(Button::new(text));
            button.widget_info(|| {
                WidgetInfo::labeled(Role::Button, true, "Filter frames by kind of event")
            });
            let button = button.on_hover_text("Only frames that have one of these kinds of events");
            Popup::menu(&button)
                .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
                .show(|ui| self.kinds_ui(ui, decoded));
        });
    }

    fn kinds_ui(&mut self, ui: &mut Ui, decoded: &DecodedCapture) {
        for (kind, rows) in decoded.counts() {
            let mut on = self.query.kinds.has(*kind);
            let text = format!("{kind} ({})", count(*rows as u64));
            if ui.checkbox(&mut on, text).changed() {
                self.query.kinds.toggle(*kind);
            }
        }
        if decoded.counts().is_empty() {
            ui.label("There are no events");
        }
        let any = !self.query.kinds.is_empty();
        if ui.add_enabled(any, Button::new("All kinds")).clicked() {
            self.query.kinds = EventKinds::default();
        }
    }
}

fn kinds_text(kinds: EventKinds) -> String {
    let all = EventKind::ALL.iter().copied();
    let chosen: Vec<EventKind> = all.filter(|kind| kinds.has(*kind)).collect();
    match chosen[..] {
        [] => "All events".to_owned(),
        [only] => format!("Only {only}"),
        _ => format!("{} kinds", chosen.len()),
    }
}
