//! The colours of targets, in order: distinguishable with colour blindness on both backgrounds, none as red as an error.

use egui::Color32;

use crate::desktop::looks::COLORS;

/// On dark backgrounds.
pub(super) static DARK: [Color32; COLORS] = [
    Color32::from_rgb(0xA9, 0xC7, 0xFE),
    Color32::from_rgb(0xB9, 0xA4, 0x56),
    Color32::from_rgb(0x35, 0xFF, 0xCB),
    Color32::from_rgb(0xED, 0x6D, 0xB8),
    Color32::from_rgb(0xF8, 0xE1, 0x1E),
    Color32::from_rgb(0x4F, 0x7A, 0xF8),
    Color32::from_rgb(0x96, 0x3C, 0xAA),
    Color32::from_rgb(0x69, 0x75, 0x6C),
];

/// On light backgrounds.
pub(super) static LIGHT: [Color32; COLORS] = [
    Color32::from_rgb(0x26, 0x37, 0xA0),
    Color32::from_rgb(0xE8, 0x69, 0x00),
    Color32::from_rgb(0x28, 0x9E, 0x78),
    Color32::from_rgb(0x73, 0x18, 0x5B),
    Color32::from_rgb(0x34, 0x3D, 0x00),
    Color32::from_rgb(0xA4, 0x64, 0xE9),
    Color32::from_rgb(0x9A, 0x50, 0x00),
    Color32::from_rgb(0x51, 0x68, 0x7A),
];

#[cfg(test)]
pub(super) mod tests {
    use egui::Color32;

    use crate::desktop::theme::{DARK, LIGHT, contrast};

    /// What the colour-blind see of a colour, in linear light (Machado, Oliveira and Fernandes 2009, severity 1).
    pub(in crate::desktop::theme) const SIGHTS: [(&str, [[f32; 3]; 3]); 4] = [
        ("all", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
        (
            "no red cones",
            [
                [0.152_286, 1.052_583, -0.204_868],
                [0.114_503, 0.786_281, 0.099_216],
                [-0.003_882, -0.048_116, 1.051_998],
            ],
        ),
        (
            "no green cones",
            [
                [0.367_322, 0.860_646, -0.227_968],
                [0.280_085, 0.672_501, 0.047_413],
                [-0.011_820, 0.042_940, 0.968_881],
            ],
        ),
        (
            "no blue cones",
            [
                [1.255_528, -0.076_749, -0.178_779],
                [-0.078_411, 0.930_809, 0.147_602],
                [0.004_733, 0.691_367, 0.303_900],
            ],
        ),
    ];

    fn times(matrix: [[f32; 3]; 3], of: [f32; 3]) -> [f32; 3] {
        matrix.map(|row| row.iter().zip(of).map(|(a, b)| a * b).sum())
    }

    /// `OKLab` of linear light (Ottosson 2020).
    fn oklab(linear: [f32; 3]) -> [f32; 3] {
        let cones = [
            [0.412_221_46, 0.536_332_55, 0.051_445_995],
            [0.211_903_5, 0.680_699_5, 0.107_396_96],
            [0.088_302_46, 0.281_718_85, 0.629_978_7],
        ];
        let lab = [
            [0.210_454_26, 0.793_617_8, -0.004_072_047],
            [1.977_998_5, -2.428_592_2, 0.450_593_7],
            [0.025_904_037, 0.782_771_77, -0.808_675_77],
        ];
        times(lab, times(cones, linear).map(|v| v.max(0.0).cbrt()))
    }

    /// The hue of a colour in degrees, and how strong it is.
    fn hue_and_chroma(color: Color32) -> (f32, f32) {
        let rgba = egui::Rgba::from(color);
        let [_, a, b] = oklab([rgba.r(), rgba.g(), rgba.b()]);
        (b.atan2(a).to_degrees(), a.hypot(b))
    }

    #[test]
    fn no_target_is_drawn_as_red_as_an_error() {
        for theme in [&DARK, &LIGHT] {
            let (error, _) = hue_and_chroma(theme.bad);
            for (index, color) in theme.series.iter().enumerate() {
                let (hue, chroma) = hue_and_chroma(*color);
                let between = (hue - error).rem_euclid(360.0);
                let between = between.min(360.0 - between);
                assert!(between >= 20.0 || chroma < 0.05, "{index}: {between:.0}°");
            }
        }
    }

    /// How far two colours lie apart for eyes of this kind.
    pub(in crate::desktop::theme) fn distance(sight: [[f32; 3]; 3], a: Color32, b: Color32) -> f32 {
        let seen = |color: Color32| {
            let rgba = egui::Rgba::from(color);
            let seen = times(sight, [rgba.r(), rgba.g(), rgba.b()]);
            oklab(seen.map(|v| v.clamp(0.0, 1.0)))
        };
        let apart = seen(a)
            .into_iter()
            .zip(seen(b))
            .map(|(a, b)| (a - b).powi(2));
        apart.sum::<f32>().sqrt()
    }

    #[test]
    fn series_show_on_the_plot_and_are_told_apart_by_all_eyes() {
        for theme in [&DARK, &LIGHT] {
            for (index, color) in theme.series.iter().enumerate() {
                for ground in [theme.background, theme.surface] {
                    let ratio = contrast(*color, ground);
                    assert!(ratio >= 3.0, "series {index} on {ground:?}: {ratio:.2}");
                }
                for (other, before) in theme.series[..index].iter().enumerate() {
                    for (eyes, sight) in SIGHTS {
                        let least = if eyes == "all" { 0.15 } else { 0.1 };
                        let found = distance(sight, *color, *before);
                        assert!(found >= least, "{index} and {other}, {eyes}: {found:.3}");
                    }
                }
            }
            assert_eq!(theme.series_color(theme.series.len()), theme.series[0]);
        }
    }
}
