//! The window's theme and zoom: as set in the settings file, or as just changed here.

use egui::{Context, Vec2, ViewportCommand};

use super::App;
use crate::{
    engine::Command,
    settings::{Appearance, SettingsEdit, ThemeChoice},
};

/// Seconds after the start by which the size of the window's frame is known.
const FRAME_KNOWN_BY: f64 = 2.0;

impl App {
    /// Shrinks a window that, with its frame, is larger than its screen. Done only as the window opens.
    pub(super) fn fit_screen(&mut self, ctx: &Context) {
        let (time, viewport) = ctx.input(|input| (input.time, input.viewport().clone()));
        let whole = viewport.maximized == Some(true) || viewport.fullscreen == Some(true);
        self.fitted |= whole || time > FRAME_KNOWN_BY;
        if self.fitted {
            return;
        }
        if let (Some(outer), Some(inner), Some(screen)) = (
            viewport.outer_rect,
            viewport.inner_rect,
            viewport.monitor_size,
        ) && let Some(size) = fitting(outer.size(), inner.size(), screen)
        {
            self.fitted = true;
            ctx.send_viewport_cmd(ViewportCommand::InnerSize(size));
        }
    }

    pub(super) fn zoom(&mut self, ctx: &Context, by: f32) {
        let zoom = ((ctx.zoom_factor() + by).clamp(0.5, 3.0) * 10.0).round() / 10.0;
        self.set_appearance(
            ctx,
            Appearance {
                zoom,
                ..self.appearance.unwrap_or_default()
            },
        );
    }

    pub(super) fn switch_theme(&mut self, ctx: &Context) {
        let theme = match ctx.theme() {
            egui::Theme::Dark => ThemeChoice::Light,
            egui::Theme::Light => ThemeChoice::Dark,
        };
        self.set_appearance(
            ctx,
            Appearance {
                theme,
                ..self.appearance.unwrap_or_default()
            },
        );
    }

    /// Applies a theme and zoom at once and has them saved. They apply even if the settings file can't be written.
    pub(super) fn set_appearance(&mut self, ctx: &Context, appearance: Appearance) {
        self.commands
            .push(Command::Edit(SettingsEdit::Appearance(appearance)));
        self.appearance = Some(appearance);
        look(ctx, appearance);
    }

    pub(super) fn follow_appearance(&mut self, ctx: &Context) {
        let wanted = self.state.settings.appearance;
        if self.state.take_new_settings() && self.appearance != Some(wanted) {
            self.appearance = Some(wanted);
            look(ctx, wanted);
        }
    }
}

/// The inner size at which a window and its frame fit the screen; `None` if they fit already.
fn fitting(outer: Vec2, inner: Vec2, screen: Vec2) -> Option<Vec2> {
    let over = (outer - screen).max(Vec2::ZERO);
    // A screen size of 0 means that it is not known.
    (screen.min_elem() > 0.0 && over != Vec2::ZERO).then(|| inner - over)
}

fn look(ctx: &Context, appearance: Appearance) {
    ctx.set_theme(match appearance.theme {
        ThemeChoice::Dark => egui::ThemePreference::Dark,
        ThemeChoice::Light => egui::ThemePreference::Light,
        ThemeChoice::System => egui::ThemePreference::System,
    });
    ctx.set_zoom_factor(appearance.zoom.clamp(0.5, 3.0));
}

#[cfg(test)]
mod tests {
    use egui::vec2;

    use super::*;

    #[test]
    fn a_window_is_made_to_fit_with_its_frame() {
        for (outer, inner, screen, expected) in [
            ((1200., 750.), (1200., 720.), (1280., 800.), None),
            (
                (1024., 798.),
                (1024., 768.),
                (1024., 768.),
                Some((1024., 738.)),
            ),
            (
                (1210., 630.),
                (1200., 600.),
                (800., 600.),
                Some((790., 570.)),
            ),
            ((1200., 750.), (1200., 720.), (0., 0.), None),
        ] {
            let size = |(x, y)| vec2(x, y);
            let found = fitting(size(outer), size(inner), size(screen));
            assert_eq!(found, expected.map(size));
        }
    }
}
