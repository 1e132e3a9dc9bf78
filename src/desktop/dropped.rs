//! Files that are dropped on the window and are captures: they are opened, whatever view is shown.

use std::path::PathBuf;

use egui::Context;

use super::view::ViewId;
use crate::capture::CaptureFormat;

/// Takes a dropped capture, so that no view takes it. In the playground a HAR is attached, as any other text is.
pub fn capture(ctx: &Context, view: ViewId) -> Option<PathBuf> {
    let is_capture = |path: &std::path::Path| match CaptureFormat::of_name(path) {
        Some(CaptureFormat::Tscap) => true,
        Some(CaptureFormat::Har) => view != ViewId::Playground,
        None => false,
    };
    ctx.input_mut(|input| {
        let dropped = &mut input.raw.dropped_files;
        let place = dropped.iter().position(|file| is_capture(file.path()))?;
        let path = dropped[place].path().to_owned();
        dropped.retain(|file| !is_capture(file.path()));
        Some(path)
    })
}
