//! The window: state folded from updates, views that show it, commands that answer.
//!
//! In: [`Update`](crate::engine::Update)s. Out: pixels and [`Command`](crate::engine::Command)s. A view
//! is one file and its line in [`views::views`].

pub mod app;
mod chooser;
mod chrome;
mod closing;
mod conformance;
pub mod fonts;
pub mod icons;
pub mod input;
mod looks;
pub mod outside;
pub mod palette;
mod parts;
pub mod preflight;
mod range;
pub mod shortcuts;
mod signals;
pub mod spoken;
pub mod state;
pub mod theme;
pub mod toast;
pub mod view;
pub mod views;
pub mod widgets;

mod monitor;
mod playground;
mod runs;
mod settings;

use std::{io::Write as _, path::PathBuf, sync::mpsc, time::Duration};

use self::{app::App, outside::Outside, preflight::CannotOpen};
use crate::{
    engine::{Engine, Options},
    private,
    settings::Paths,
};

/// How long a window that was closed from outside waits for the engine to write what it holds.
const ENDING: Duration = Duration::from_secs(10);

/// Opens the window and stays until it is closed and everything is written.
///
/// # Errors
/// With one line that says what is missing (a display, a library) and what to do without a window.
pub fn run(paths: Paths) -> Result<(), CannotOpen> {
    preflight::check()?;
    let (ended, ending) = mpsc::channel();
    make_layout_file(&paths);
    let options = native_options(&paths);
    let create: eframe::AppCreator<'_> = Box::new(move |cc| {
        let ctx = &cc.egui_ctx;
        ctx.add_plugin(Outside::of_system(preflight::is_wayland()));
        signals::close_on_signals(ctx.clone());
        fonts::install_system_fonts(ctx);
        let options = Options {
            paths: paths.clone(),
            endpoints: Vec::new(),
            simulator: true,
            history: true,
        };
        let engine = Engine::start(options, app::wake(ctx))?;
        closing::on_signals(ctx);
        let saved = App::saved_layout(cc.storage);
        let app = App::new(engine, ctx, saved.as_deref());
        Ok(Box::new(app.with_paths(paths).with_ended(ended)))
    });
    eframe::run_native("Tokenscope", options, create)
        .map_err(|error| preflight::refused(&error))?;
    // The window is gone; a history that does not answer must not keep the process.
    let _ = ending.recv_timeout(ENDING);
    Ok(())
}

/// Makes the file of the window's layout for its owner only: eframe would let others read it.
fn make_layout_file(paths: &Paths) {
    let made = private::folder(&paths.data)
        .and_then(|()| private::create_new(&layout_file(paths)))
        .and_then(|mut file| file.write_all(b"{}"));
    if let Err(error) = made {
        tracing::debug!("no new layout: {error}");
    }
}

fn layout_file(paths: &Paths) -> PathBuf {
    paths.data.join("window.ron")
}

fn native_options(paths: &Paths) -> eframe::NativeOptions {
    let mut viewport = egui::ViewportBuilder::default()
        .with_app_id("tokenscope")
        .with_title("Tokenscope")
        // With its title bar and a panel, it fits a screen of 1280 × 800.
        .with_inner_size([1200.0, 720.0])
        .with_min_inner_size([720.0, 480.0]);
    if let Ok(icon) = eframe::icon_data::from_png_bytes(include_bytes!("../assets/icon.png")) {
        viewport = viewport.with_icon(icon);
    }
    eframe::NativeOptions {
        viewport,
        renderer: renderer(),
        // Ours prefers simplified Chinese shapes and never holds up the first frame.
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
