//! The built-in prices: the pages of `assets/prices.toml`, whose first lines define the fields.

use std::sync::LazyLock;

use jiff::{civil::Date, tz::TimeZone};
use serde::{Deserialize, Deserializer, de};

use super::{Price, PriceOrigin, Rates, Tier};
use crate::hints::matches;

#[derive(Deserialize)]
struct PricesFile {
    page: Vec<PricePage>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PricePage {
    hosts: Vec<String>,
    source: String,
    date: String,
    prices: Vec<PageRow>,
}

/// A row as it is written.
#[derive(Deserialize)]
struct PageRow {
    models: Vec<String>,
    date: Option<String>,
    #[serde(default, deserialize_with = "day")]
    from: Option<i64>,
    #[serde(default, deserialize_with = "day")]
    until: Option<i64>,
    above: Option<Tier>,
    #[serde(flatten)]
    rates: Rates,
}

/// A row of the table.
pub(super) struct ListPrice {
    pub(super) hosts: Vec<String>,
    pub(super) models: Vec<String>,
    /// When it holds, in nanoseconds since 1970; the end is not included.
    from: i64,
    until: i64,
    pub(super) price: Price,
}

static ROWS: LazyLock<Vec<ListPrice>> = LazyLock::new(|| {
    let file: PricesFile = toml_edit::de::from_str(TEXT).expect("a test reads this embedded file");
    file.page.into_iter().flat_map(PricePage::rows).collect()
});

pub(super) const TEXT: &str = include_str!("../../assets/prices.toml");

impl PricePage {
    fn rows(self) -> Vec<ListPrice> {
        let row = |row: PageRow| ListPrice {
            hosts: self.hosts.clone(),
            models: row.models,
            from: row.from.unwrap_or(i64::MIN),
            until: row.until.unwrap_or(i64::MAX),
            price: Price {
                rates: row.rates,
                above: row.above,
                origin: PriceOrigin::Page {
                    date: row.date.unwrap_or_else(|| self.date.clone()),
                    source: self.source.clone(),
                },
            },
        };
        self.prices.into_iter().map(row).collect()
    }
}

/// All rows, in their order.
pub(super) fn rows() -> &'static [ListPrice] {
    &ROWS
}

/// The price of a model at a host at a time: that of the longest name that fits.
pub(super) fn price(host: &str, model: &str, at_unix_ns: i64) -> Option<&'static Price> {
    let name = model.rsplit('/').next().unwrap_or_default();
    let rows = rows().iter().filter(|row| {
        row.hosts.iter().any(|known| known == host) && (row.from..row.until).contains(&at_unix_ns)
    });
    let fitting = rows.filter_map(|row| {
        let names = row.models.iter().filter(|glob| matches(glob, name));
        Some((names.map(String::len).max()?, &row.price))
    });
    // Of several, the first.
    let longest = fitting.reduce(|one, next| if next.0 > one.0 { next } else { one });
    longest.map(|(_, price)| price)
}

/// The start of a day (UTC), in nanoseconds since 1970.
fn day<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    let text = String::deserialize(from)?;
    start_of(&text).map(Some).map_err(de::Error::custom)
}

/// The start of a day such as `2026-10-03` (UTC), in nanoseconds since 1970.
pub(super) fn start_of(day: &str) -> Result<i64, jiff::Error> {
    let date: Date = day.parse()?;
    let start = date.to_zoned(TimeZone::UTC)?.timestamp().as_nanosecond();
    // Dates of this century fit.
    Ok(i64::try_from(start).unwrap_or(i64::MAX))
}

#[cfg(test)]
impl ListPrice {
    /// When it begins to hold.
    pub(super) fn from(&self) -> i64 {
        self.from
    }
}
