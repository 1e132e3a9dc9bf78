//! Small parts that views share. Each takes the theme, and gives every control an accessible name.

mod badge;
mod button;
mod field;
mod keys;
mod menu;
mod notice;
mod number;
mod outcome;
mod switch;
mod words;

pub use badge::{badge, badge_with_icon, key_hint, simulated_badge};
pub use button::{
    copy_button, danger_button, danger_icon, fold_ui, ghost_button, icon_button, icon_toggle,
    primary_button, segmented,
};
pub use field::{choice_box, labeled_field, multiline_field, problem_ui, search_box, toggle};
pub use keys::{any_popup_open, keys_are_free};
pub use menu::{danger_item, menu_gap, menu_item};
pub use notice::{Tone, banner, card, contained, dialog, empty, hairline, key_value, section};
pub(crate) use number::zoned;
pub use number::{
    ago, count, counted, date_time, exact_ms, figure_text, figure_ui, figure_value_ui, ms_text,
    time_of_day,
};
pub use outcome::{Outcome, connection_icon};
pub use switch::switch;
pub use words::capitalized;
