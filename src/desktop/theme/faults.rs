//! The colours of fault classes: each class has one of its own, which eyes of all kinds tell from the others.

use egui::Color32;

use super::Theme;
use crate::event::FaultClass;

/// Each class of a failure with its colour on dark backgrounds and on light ones.
#[rustfmt::skip]
static COLORS: [(FaultClass, Color32, Color32); 14] = [
    (FaultClass::Dns, Color32::from_rgb(0x17, 0x74, 0x3C), Color32::from_rgb(0x05, 0x67, 0x11)),
    (FaultClass::Connect, Color32::from_rgb(0x27, 0xA3, 0xBA), Color32::from_rgb(0x09, 0x70, 0xC4)),
    (FaultClass::Tls, Color32::from_rgb(0x00, 0xDA, 0xF8), Color32::from_rgb(0x85, 0x8C, 0xAF)),
    (FaultClass::Proxy, Color32::from_rgb(0xB8, 0xFF, 0xFF), Color32::from_rgb(0x31, 0x35, 0x42)),
    (FaultClass::Auth, Color32::from_rgb(0xD1, 0x7E, 0xFF), Color32::from_rgb(0xBB, 0x63, 0xFF)),
    (FaultClass::RateLimited, Color32::from_rgb(0xD8, 0x78, 0x00), Color32::from_rgb(0xC4, 0x74, 0x00)),
    (FaultClass::Overloaded, Color32::from_rgb(0xFF, 0xFF, 0x82), Color32::from_rgb(0xFD, 0x3E, 0x82)),
    (FaultClass::NotFound, Color32::from_rgb(0xA1, 0xB6, 0x7B), Color32::from_rgb(0x77, 0x47, 0x6A)),
    (FaultClass::BadRequest, Color32::from_rgb(0xA5, 0xE2, 0x09), Color32::from_rgb(0x5C, 0x00, 0x7A)),
    (FaultClass::Timeout, Color32::from_rgb(0x06, 0x5C, 0xFF), Color32::from_rgb(0x1C, 0x00, 0xBB)),
    (FaultClass::Reset, Color32::from_rgb(0xBA, 0x09, 0xC0), Color32::from_rgb(0xB5, 0x2D, 0xA0)),
    (FaultClass::Interrupted, Color32::from_rgb(0xFE, 0xC7, 0xB0), Color32::from_rgb(0x6F, 0x00, 0x00)),
    (FaultClass::Protocol, Color32::from_rgb(0x94, 0x62, 0x86), Color32::from_rgb(0x77, 0x00, 0xFF)),
    (FaultClass::Provider, Color32::from_rgb(0xD5, 0x00, 0x00), Color32::from_rgb(0xC5, 0x00, 0x30)),
];

impl Theme {
    /// The colour of a fault class; that of secondary text if a run that ended so is no failure.
    #[must_use]
    pub fn fault_color(&self, class: FaultClass) -> Color32 {
        let row = COLORS.iter().find(|(of, ..)| *of == class);
        row.map_or(
            self.text_dim,
            |(_, on_dark, on_light)| {
                if self.dark { *on_dark } else { *on_light }
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desktop::theme::{
        DARK, LIGHT, contrast,
        series::tests::{SIGHTS, distance},
    };

    #[test]
    fn every_class_of_a_failure_has_a_colour_of_its_own() {
        for theme in [&DARK, &LIGHT] {
            let classes = FaultClass::ALL.iter().copied();
            let failures: Vec<_> = classes.filter(|class| !class.is_no_failure()).collect();
            for (index, class) in failures.iter().enumerate() {
                let color = theme.fault_color(*class);
                for ground in [theme.background, theme.surface] {
                    let ratio = contrast(color, ground);
                    assert!(ratio >= 3.0, "{class} on {ground:?}: {ratio:.2}");
                }
                for other in &failures[..index] {
                    for (eyes, sight) in SIGHTS {
                        let least = if eyes == "all" { 0.12 } else { 0.08 };
                        let found = distance(sight, color, theme.fault_color(*other));
                        assert!(found >= least, "{class} and {other}, {eyes}: {found:.3}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_stopped_run_has_no_colour_of_a_failure() {
        for class in [FaultClass::Cancelled, FaultClass::Suspended] {
            assert_eq!(DARK.fault_color(class), DARK.text_dim);
        }
    }
}
