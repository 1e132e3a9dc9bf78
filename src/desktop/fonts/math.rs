//! The fonts of formulas: KaTeX's, and two without outlines that keep a formula's room in its text.

use std::sync::{Arc, LazyLock};

use egui::{FontData, FontDefinitions, FontFamily, FontTweak};

macro_rules! faces {
    ($($name:literal)*) => {
        &[$(($name, include_bytes!(concat!("../../../assets/fonts/math/KaTeX_", $name, ".ttf")) as &[u8])),*]
    };
}

/// KaTeX's faces by their names, unchanged.
static KATEX: &[(&str, &[u8])] = faces!(
    "AMS-Regular" "Caligraphic-Regular" "Fraktur-Bold" "Fraktur-Regular" "Main-Bold" "Main-BoldItalic" "Main-Italic"
    "Main-Regular" "Math-BoldItalic" "Math-Italic" "SansSerif-Bold" "SansSerif-Italic" "SansSerif-Regular"
    "Script-Regular" "Size1-Regular" "Size2-Regular" "Size3-Regular" "Size4-Regular" "Typewriter-Regular"
);

// Made by assets/fonts/blank.py.
static BLANK: &[u8] = include_bytes!("../../../assets/fonts/math/Blank.ttf");
static WIDE: &[u8] = include_bytes!("../../../assets/fonts/math/Wide.ttf");

static FAMILIES: LazyLock<Vec<(&str, FontFamily)>> = LazyLock::new(|| {
    let family = |(name, _): &(&'static str, _)| (*name, named(name));
    KATEX.iter().map(family).collect()
});

fn named(face: &str) -> FontFamily {
    FontFamily::Name(format!("math {face}").into())
}

/// The family of one of KaTeX's faces, by its name without "KaTeX_".
#[must_use]
pub fn math_family(face: &str) -> Option<FontFamily> {
    let found = FAMILIES.iter().find(|(name, _)| *name == face);
    found.map(|(_, family)| family.clone())
}

/// The family in which no character has a width or an outline.
#[must_use]
pub fn blank_family() -> FontFamily {
    named("blank")
}

/// The family in which each character is one em wide and has no outline.
#[must_use]
pub fn wide_family() -> FontFamily {
    named("wide")
}

/// Adds the fonts of formulas. egui reads a font when it is first used.
pub(super) fn add(fonts: &mut FontDefinitions) {
    let faces = KATEX.iter().copied();
    for (name, bytes) in faces.chain([("blank", BLANK), ("wide", WIDE)]) {
        let data = FontData::from_static(bytes).tweak(FontTweak {
            // The hints are for text on whole pixels; a formula's glyphs stand between them, too.
            hinting: Some(false),
            ..FontTweak::default()
        });
        let family = named(name);
        let key = family.to_string();
        fonts.font_data.insert(key.clone(), Arc::new(data));
        fonts.families.insert(family, vec![key]);
    }
}
