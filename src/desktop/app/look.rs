//! The window's theme and zoom: as the settings have them, or as they were just changed.

use egui::Context;

use super::App;
use crate::{
    engine::Command,
    settings::{Appearance, SettingsEdit, Theme},
};

impl App {
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
            egui::Theme::Dark => Theme::Light,
            egui::Theme::Light => Theme::Dark,
        };
        self.set_appearance(
            ctx,
            Appearance {
                theme,
                ..self.appearance.unwrap_or_default()
            },
        );
    }

    /// Shows a new look at once and has it kept; a settings file that can't be written does not hold it up.
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

fn look(ctx: &Context, appearance: Appearance) {
    ctx.set_theme(match appearance.theme {
        Theme::Dark => egui::ThemePreference::Dark,
        Theme::Light => egui::ThemePreference::Light,
        Theme::System => egui::ThemePreference::System,
    });
    ctx.set_zoom_factor(appearance.zoom.clamp(0.5, 3.0));
}
