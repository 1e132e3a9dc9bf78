//! The playground, driven by accessible names: what is typed becomes runs, each pane keeps its own
//! stream, and nothing is measured, compared or lost that should not be.

mod address;
mod answers;
mod calls;
mod checking;
mod compared;
mod composer;
mod conversations;
mod costs;
mod course;
mod figures;
mod files;
mod find;
mod lists;
mod panes;
#[cfg(feature = "pictures")]
mod pictures;
mod raw_body;
mod rig;
mod scrolling;
mod sent_as;
mod targets;
mod turns;

use self::{
    course::{
        Course, answer_all, ended, put, put_closed, put_loaded, put_read, race, streaming,
        tool_call, waiting,
    },
    rig::{
        Rig, ask, attach, button, double_click, endpoint, ends_in_sight, last_text, lines, rig,
        rig_restored, rig_with, rig_with_tofu, send, settings, type_prompt, wheel,
    },
};
