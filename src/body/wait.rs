//! Durations as servers write them.

/// Parses a duration into seconds: `34.07s`, `6m0s`, `1h16m0.667923083s`, `120ms`, as Go and Google write them.
#[must_use]
pub fn seconds(text: &str) -> Option<f64> {
    const UNITS: &[(&str, f64)] = &[
        ("ms", 1e-3),
        ("us", 1e-6),
        ("µs", 1e-6),
        ("ns", 1e-9),
        ("d", 86_400.0),
        ("h", 3_600.0),
        ("m", 60.0),
        ("s", 1.0),
    ];
    let mut rest = text.trim();
    let mut sum = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        rest = rest[end..].trim_start();
        let (unit, length) = UNITS.iter().find(|(unit, _)| rest.starts_with(unit))?;
        sum += number * length;
        rest = rest[unit.len()..].trim_start();
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn lengths_of_time_are_read() {
        for (text, expected) in [
            ("34.5s", Some(34.5)),
            ("1s", Some(1.0)),
            ("6m0s", Some(360.0)),
            ("1h16m0.5s", Some(4_560.5)),
            ("120ms", Some(0.12)),
            ("2d", Some(172_800.0)),
            ("1m 30s", Some(90.0)),
            ("", None),
            ("7", None),
            ("s", None),
            ("soon", None),
            ("-5s", None),
            ("1.2.3s", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }
}
