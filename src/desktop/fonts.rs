//! Fonts: Inter for text, Hack for code, Lucide for icons, KaTeX's for formulas, and the machine's own for the rest.
//!
//! A thread lists the system fonts, so that the first frame never waits for them; text that needs one is redrawn
//! when the list is ready.

mod math;

use std::sync::Arc;

use egui::{
    Context, FallbackRequest, FontData, FontDefinitions, FontFamily, FontProvider as _, FontTweak,
    Id, epaint::text::VariationCoords,
};
use egui_system_font_provider::SystemFontProvider;

pub use self::math::{blank_family, math_family, wide_family};

static INTER: &[u8] = include_bytes!("../../assets/fonts/Inter.ttf");
static LUCIDE: &[u8] = include_bytes!("../../assets/fonts/Lucide.ttf");

/// The family of semi-bold text.
#[must_use]
pub fn strong_family() -> FontFamily {
    FontFamily::Name("strong".into())
}

/// Puts the bundled fonts into egui.
pub fn install(ctx: &Context) {
    ctx.set_fonts(definitions());
}

fn definitions() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let weight = |weight: f32| FontTweak {
        coords: VariationCoords::new([(b"wght", weight)]),
        ..FontTweak::default()
    };
    // Lucide's glyphs fill their em box: lowered and shrunk a little, they line up with Inter's text.
    let icon = FontTweak {
        scale: 1.12,
        y_offset_factor: 0.04,
        ..FontTweak::default()
    };
    let faces = [
        ("inter", INTER, weight(430.0)),
        ("inter-strong", INTER, weight(600.0)),
        ("lucide", LUCIDE, icon),
    ];
    for (name, bytes, tweak) in faces {
        let data = FontData::from_static(bytes).tweak(tweak);
        fonts.font_data.insert(name.to_owned(), Arc::new(data));
    }
    let defaults = fonts
        .families
        .get(&FontFamily::Proportional)
        .cloned()
        .unwrap_or_default();
    let with = |first: &str| {
        let mut names = vec![first.to_owned(), "lucide".to_owned()];
        names.extend(defaults.iter().cloned());
        names
    };
    fonts
        .families
        .insert(FontFamily::Proportional, with("inter"));
    fonts.families.insert(strong_family(), with("inter-strong"));
    if let Some(names) = fonts.families.get_mut(&FontFamily::Monospace) {
        names.insert(names.len().min(1), "lucide".to_owned());
    }
    math::add(&mut fonts);
    fonts
}

/// Whether this machine has a font for Chinese; `None` until that is known.
#[must_use]
pub fn has_chinese(ctx: &Context) -> Option<bool> {
    ctx.data(|data| data.get_temp(chinese_id()))
}

/// Finds the system's fonts on a thread of its own and puts them into egui.
pub fn install_system_fonts(ctx: &Context) {
    let ctx = ctx.clone();
    // If no thread can be started, the bundled fonts stay in use: no reason to report it.
    let _ = std::thread::Builder::new()
        .name("system-fonts".into())
        .spawn(move || install_system_fonts_now(&ctx));
}

/// The same, but blocking: for tests and pictures, which need the first frame to be complete.
pub fn install_system_fonts_now(ctx: &Context) {
    let provider = SystemFontProvider::new().with_locale(Some(&han_locale(&locale())));
    // The first lookup blocks until all fonts are listed.
    let chinese = provider.font_for(&FallbackRequest {
        cluster: "汉",
        family: &FontFamily::Proportional,
    });
    ctx.data_mut(|data| data.insert_temp(chinese_id(), chinese.is_some()));
    ctx.add_font_provider(Arc::new(provider));
}

fn chinese_id() -> Id {
    Id::unique("tokenscope.has-chinese-font")
}

/// The user's locale by POSIX rules; empty on other systems.
fn locale() -> String {
    ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .unwrap_or_default()
}

/// The locale whose glyphs Han characters get: simplified Chinese, unless the user's locale has others.
fn han_locale(locale: &str) -> String {
    let locale = locale
        .split('.')
        .next()
        .unwrap_or_default()
        .replace('_', "-");
    let other = ["ja", "ko", "zh-TW", "zh-HK", "zh-MO", "zh-Hant"];
    if other.iter().any(|prefix| locale.starts_with(prefix)) {
        locale
    } else {
        "zh-Hans".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desktop::icons;

    #[test]
    fn han_shapes_follow_the_locale() {
        for (given, expected) in [
            ("", "zh-Hans"),
            ("en_US.UTF-8", "zh-Hans"),
            ("zh_CN.UTF-8", "zh-Hans"),
            ("zh_TW.UTF-8", "zh-TW"),
            ("ja_JP.UTF-8", "ja-JP"),
        ] {
            assert_eq!(han_locale(given), expected, "{given}");
        }
    }

    #[test]
    fn every_icon_is_in_the_font() {
        let ctx = Context::default();
        install(&ctx);
        let mut output = ctx.run_ui(egui::RawInput::default(), |ui| {
            let font = egui::FontId::proportional(13.0);
            for (name, code) in icons::ALL {
                let known = ui.fonts_mut(|fonts| fonts.has_glyphs(&font, code));
                assert!(
                    known,
                    "{name} is not in Lucide.ttf: run assets/fonts/build.py"
                );
            }
        });
        output.textures_delta.clear();
    }

    #[test]
    fn figures_are_tabular() {
        let ctx = Context::default();
        install(&ctx);
        let mut output = ctx.run_ui(egui::RawInput::default(), |ui| {
            let font = egui::FontId::proportional(13.0);
            let width = |c| ui.fonts_mut(|fonts| fonts.glyph_width(&font, c));
            let zero = width('0');
            for digit in '1'..='9' {
                assert!((width(digit) - zero).abs() < 0.01, "{digit}");
            }
        });
        output.textures_delta.clear();
    }
}
