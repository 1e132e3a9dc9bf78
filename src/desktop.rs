//! The window: state folded from updates, views that show it, commands that answer.
//!
//! In: [`Update`](crate::engine::Update)s. Out: pixels and [`Command`](crate::engine::Command)s. Each view
//! is one file or folder, and one line in [`views::views`].

pub mod app;
mod axes;
mod chooser;
mod chrome;
mod closing;
mod conformance;
mod dropped;
mod ecdf;
pub mod fonts;
pub mod icons;
pub mod input;
mod inspector;
mod long_answers;
mod looks;
pub mod outside;
mod pacing;
pub mod palette;
mod parts;
mod path_field;
mod polled;
pub mod preflight;
mod prepared;
mod range;
mod report_dialog;
mod saved_row;
mod setup;
pub mod shortcuts;
pub mod spoken;
pub mod state;
pub mod theme;
pub mod toast;
mod tooltip;
mod typed;
pub mod view;
pub mod views;
pub mod widgets;

mod bench;
mod compare;
mod gateway;
mod monitor;
mod playground;
mod runs;
mod settings;
mod target_picker;
mod user_folders;

use std::{io::Write as _, path::PathBuf, sync::mpsc, time::Duration};

use self::{app::App, outside::Outside, preflight::CannotOpen};
use crate::{
    credential::Credentials,
    engine::{Engine, Options},
    private,
    settings::Paths,
};

/// How long the process waits, once the window is gone, for the engine to write everything.
const ENDING: Duration = Duration::from_secs(10);

/// What a window says that opens while another one is open.
const SECOND_WINDOW: &str =
    "Tokenscope is open already: this second window shares its settings, history and conversations";

/// Opens the window and blocks until it is closed and everything is written.
///
/// # Errors
/// If there is no display or a library is missing. The message is one line and says what to do without a window.
pub fn run(paths: Paths) -> Result<(), CannotOpen> {
    preflight::check()?;
    let (ended, ending) = mpsc::channel();
    make_layout_file(&paths);
    let options = native_options(&paths);
    // Held until the window is closed.
    let first_window = private::try_lock(&paths.data.join("window.lock"));
    let is_second = matches!(first_window, Ok(None));
    let create: eframe::AppCreator<'_> = Box::new(move |cc| {
        let ctx = &cc.egui_ctx;
        ctx.add_plugin(Outside::of_system(preflight::is_wayland()));
        fonts::install_system_fonts(ctx);
        let options = Options {
            paths: paths.clone(),
            endpoints: Vec::new(),
            simulator: true,
            history: true,
            credentials: Credentials::default(),
        };
        let engine = Engine::start(options, app::wake(ctx))?;
        closing::on_signals(ctx);
        if is_second {
            toast::tell(ctx, SECOND_WINDOW.to_owned());
        }
        let saved = App::saved_layout(cc.storage);
        let app = App::new(engine, ctx, saved.as_deref());
        Ok(Box::new(app.with_paths(paths).with_ended(ended)))
    });
    eframe::run_native("Tokenscope", options, create)
        .map_err(|error| preflight::refused(&error))?;
    // A history that does not answer must not keep the process alive.
    let _ = ending.recv_timeout(ENDING);
    Ok(())
}

/// Creates the layout file so that only its owner can read it: eframe's own would be readable by others.
fn make_layout_file(paths: &Paths) {
    let made = private::folder(&paths.data)
        .and_then(|()| private::create_new(&layout_file(paths)))
        .and_then(|mut file| file.write_all(b"{}"));
    if let Err(error) = made {
        tracing::debug!("no new layout file: {error}");
    }
}

fn layout_file(paths: &Paths) -> PathBuf {
    paths.data.join("window.ron")
}

fn native_options(paths: &Paths) -> eframe::NativeOptions {
    let mut viewport = egui::ViewportBuilder::default()
        .with_app_id("tokenscope")
        .with_title("Tokenscope")
        // Fits a 1280 × 800 screen together with its title bar and a desktop panel.
        .with_inner_size([1200.0, 720.0])
        .with_min_inner_size([720.0, 480.0]);
    if let Ok(icon) = eframe::icon_data::from_png_bytes(include_bytes!("../assets/icon.png")) {
        viewport = viewport.with_icon(icon);
    }
    eframe::NativeOptions {
        viewport,
        renderer: renderer(),
        // Our own fallback prefers simplified Chinese glyphs and never delays the first frame.
        system_font_fallback: false,
        persistence_path: Some(layout_file(paths)),
        ..eframe::NativeOptions::default()
    }
}

#[cfg(not(feature = "wgpu"))]
fn renderer() -> eframe::Renderer {
    eframe::Renderer::Glow
}

#[cfg(feature = "wgpu")]
fn renderer() -> eframe::Renderer {
    match std::env::var("TOKENSCOPE_RENDERER").as_deref() {
        Ok("wgpu") => eframe::Renderer::Wgpu,
        _ => eframe::Renderer::Glow,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_that_of_the_menu_entry() {
        let paths = Paths {
            settings: "config.toml".into(),
            data: "data".into(),
        };
        let id = native_options(&paths).viewport.app_id.unwrap();
        let entry = include_str!("../assets/tokenscope.desktop");
        assert!(
            entry.contains(&format!("\nStartupWMClass={id}\n")),
            "{entry}"
        );
    }
}
