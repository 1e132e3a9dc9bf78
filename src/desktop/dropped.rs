//! Files that are dropped on the window and are captures or exported conversations: they are opened, whatever view is
//! shown.

use std::path::{Path, PathBuf};

use egui::Context;

use super::view::ViewId;
use crate::capture::CaptureFormat;

/// Takes a dropped capture, so that no view takes it. In the playground a HAR is attached, as any other text is.
pub fn capture(ctx: &Context, view: ViewId) -> Option<PathBuf> {
    let is_capture = |path: &Path| match CaptureFormat::of_name(path) {
        Some(CaptureFormat::Tscap) => true,
        Some(CaptureFormat::Har) => view != ViewId::Playground,
        None => false,
    };
    take(ctx, is_capture)
}

/// Takes a dropped file of conversations, by the name that programs export it under; any other JSON is attached, as text
/// is.
pub fn conversations(ctx: &Context) -> Option<PathBuf> {
    take(ctx, |path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_ours = name.starts_with("tokenscope-conversation") && name.ends_with(".json");
        is_ours || name == "conversations.json"
    })
}

/// Takes the first of these files, and drops the others of them.
fn take(ctx: &Context, is_one: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    ctx.input_mut(|input| {
        let dropped = &mut input.raw.dropped_files;
        let place = dropped.iter().position(|file| is_one(file.path()))?;
        let path = dropped[place].path().to_owned();
        dropped.retain(|file| !is_one(file.path()));
        Some(path)
    })
}
