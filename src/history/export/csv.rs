//! Rows of a CSV file.
//!
//! CSV is RFC 4180: a header, CRLF, quotes where needed. A text that a spreadsheet would run as a
//! formula (it begins with `=`, `+`, `-`, `@`, tab or carriage return) is given a leading apostrophe,
//! as OWASP advises (<https://owasp.org/www-community/attacks/CSV_Injection>): text from a model must
//! not act on the machine of whoever opens the export.

use std::io::{self, Write};

use super::{columns::ExportCell, rfc3339};

/// Writes the names of the columns.
pub(super) fn header(
    names: impl Iterator<Item = &'static str>,
    out: &mut impl Write,
) -> io::Result<()> {
    row(names.map(|name| ExportCell::Text(name.to_owned())), out)
}

/// Writes a row.
pub(super) fn row(cells: impl Iterator<Item = ExportCell>, out: &mut impl Write) -> io::Result<()> {
    for (n, cell) in cells.enumerate() {
        if n > 0 {
            out.write_all(b",")?;
        }
        match cell {
            ExportCell::Blank => {}
            ExportCell::Text(text) => csv_text(&text, out)?,
            ExportCell::Integer(number) => write!(out, "{number}")?,
            ExportCell::Count(count) => write!(out, "{count}")?,
            ExportCell::Number(number) => write!(out, "{number}")?,
            ExportCell::Flag(is_so) => write!(out, "{is_so}")?,
            ExportCell::Time(unix_ns) => out.write_all(rfc3339(unix_ns).as_bytes())?,
        }
    }
    out.write_all(b"\r\n")
}

fn csv_text(text: &str, out: &mut impl Write) -> io::Result<()> {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let guard = if formula { "'" } else { "" };
    if text.contains(['"', ',', '\r', '\n']) {
        write!(out, "\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        write!(out, "{guard}{text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csv(text: &str) -> String {
        let mut out = Vec::new();
        csv_text(text, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn texts_are_quoted_and_formulas_disarmed() {
        for (text, cell) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "'=1+1"),
            ("@x,y", "\"'@x,y\""),
            ("-5", "'-5"),
            ("", ""),
        ] {
            assert_eq!(csv(text), cell);
        }
    }
}
