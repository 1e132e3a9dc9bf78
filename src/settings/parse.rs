//! Parses the file's text to [`Settings`]: every problem has its line, and every unknown key is a warning.

use std::{ops::Range, path::Path};

use serde::{Deserialize, de::IntoDeserializer as _};
use toml_edit::{Document, Item, TableLike};

use super::{
    Appearance, Measuring, Settings, SettingsProblem,
    alert::{self, AlertSettings},
    captures,
    gateway::{self, BadValue, GatewaySection, GatewaySettings, LocalKeySettings, RouteSettings},
    monitor::{self, MonitorSettings},
    retention,
    section::{EndpointSection, KEYS, TIMEOUT_KEYS},
};
use crate::{
    endpoint::Endpoint,
    price::{OwnPrice, PRICE_KEYS, PriceTable, TIER_KEYS},
};

/// The zoom factors with which the window is usable.
const ZOOM: std::ops::RangeInclusive<f32> = 0.5..=3.0;

/// Parses settings. The path is only for problems.
pub(super) fn settings(path: &Path, text: &str) -> Result<Settings, SettingsProblem> {
    let source = TomlSource { path, text };
    let document =
        Document::parse(text).map_err(|why| source.problem(why.span(), why.message()))?;
    let mut settings = Settings::default();
    for (name, item) in document.iter() {
        match name {
            "endpoint" => source.endpoints(item, &mut settings)?,
            "appearance" => {
                settings.appearance = source.appearance(item, &mut settings.warnings)?;
            }
            "measuring" => {
                settings.measuring = source.measuring(item, &mut settings.warnings)?;
            }
            "alert" => settings.alerts = source.alerts(item, &mut settings.warnings)?,
            "gateway" => settings.gateway = source.gateway(item, &mut settings.warnings)?,
            "monitor" => settings.monitor = source.monitor(item, &mut settings.warnings)?,
            "history" => source.history(item, &mut settings)?,
            "price" => settings.prices = source.prices(item, &mut settings.warnings)?,
            _ => {
                let warning = source.unknown(document.as_table(), name);
                settings.warnings.push(warning);
            }
        }
    }
    Ok(settings)
}

/// How prices are written.
const PRICE_FORM: &str =
    "prices are written as a section [price.\"endpoint/model\"], in which * stands for anything";

/// The text, for the positions of problems.
struct TomlSource<'a> {
    path: &'a Path,
    text: &'a str,
}

impl TomlSource<'_> {
    fn endpoints(&self, item: &Item, settings: &mut Settings) -> Result<(), SettingsProblem> {
        let table = self.table(item, "an endpoint is written as a section [endpoint.ID]")?;
        for (id, item) in table.iter() {
            let endpoint = self.endpoint(id, item, &mut settings.warnings)?;
            settings.endpoints.push(endpoint);
        }
        Ok(())
    }

    fn endpoint(
        &self,
        id: &str,
        item: &Item,
        warnings: &mut Vec<SettingsProblem>,
    ) -> Result<Endpoint, SettingsProblem> {
        let table = self.table(item, "an endpoint is written as a section [endpoint.ID]")?;
        let section: EndpointSection = self.read(item)?;
        let endpoint = section.endpoint(id).map_err(|bad| {
            let span = table.get(bad.key).and_then(Item::span);
            self.problem(span.or_else(|| item.span()), &bad.message)
        })?;
        self.warn_unknown(table, KEYS, warnings);
        if let Some(timeouts) = table.get("timeouts").and_then(Item::as_table_like) {
            self.warn_unknown(timeouts, TIMEOUT_KEYS, warnings);
        }
        let headers = table.get("headers").and_then(Item::as_table_like);
        for name in section.plain_secrets() {
            let span = headers.and_then(|h| h.key(name)?.span());
            let why = format!(
                "the header {name} has its value in plain text: write ${{NAME}} to take it from an environment variable"
            );
            warnings.push(self.problem(span, &why));
        }
        Ok(endpoint)
    }

    fn appearance(
        &self,
        item: &Item,
        warnings: &mut Vec<SettingsProblem>,
    ) -> Result<Appearance, SettingsProblem> {
        let table = self.table(item, "the appearance is written as a section [appearance]")?;
        let appearance: Appearance = self.read(item)?;
        if !ZOOM.contains(&appearance.zoom) {
            let span = table.get("zoom").and_then(Item::span);
            return Err(self.problem(span, "zoom must be from 0.5 to 3"));
        }
        self.warn_unknown(table, &["theme", "zoom", "notify_after_s"], warnings);
        Ok(appearance)
    }

    fn measuring(
        &self,
        item: &Item,
        warnings: &mut Vec<SettingsProblem>,
    ) -> Result<Measuring, SettingsProblem> {
        let table = self.table(
            item,
            "what counts as measured is written as a section [measuring]",
        )?;
        let measuring: Measuring = self.read(item)?;
        if !(0.0..=1.0).contains(&measuring.late_share) {
            let span = table.get("late_share").and_then(Item::span);
            return Err(self.problem(span, "late_share must be from 0 to 1"));
        }
        self.warn_unknown(table, &["late_share"], warnings);
        Ok(measuring)
    }

    fn alerts(
        &self,
        item: &Item,
        warnings: &mut Vec<SettingsProblem>,
    ) -> Result<Vec<AlertSettings>, SettingsProblem> {
        let table = self.table(item, "an alert is written as a section [alert.NAME]")?;
        let mut alerts = Vec::new();
        for (name, item) in table.iter() {
            let mut alert: AlertSettings = self.read(item)?;
            name.clone_into(&mut alert.name);
            self.checked(item, alert.check())?;
            self.warn_in(item, alert::KEYS, warnings);
            alerts.push(alert);
        }
        Ok(alerts)
    }

    fn history(&self, item: &Item, settings: &mut Settings) -> Result<(), SettingsProblem> {
        let table = self.table(item, "the history is written as a section [history]")?;
        settings.captures = self.read(item)?;
        settings.retention = self.read(item)?;
        self.checked(item, settings.retention.check())?;
        let keys = [captures::KEYS, retention::KEYS].concat();
        self.warn_unknown(table, &keys, &mut settings.warnings);
        Ok(())
    }

    fn gateway(
        &self,
        item: &Item,
        warnings: &mut Vec<SettingsProblem>,
    ) -> Result<GatewaySettings, SettingsProblem> {
        let table = self.table(item, "the gateway is written as a section [gateway]")?;
        let section: GatewaySection = self.read(item)?;
        let mut gateway = GatewaySettings {
            listen: section.listen,
            history: section.history,
            ..GatewaySettings::default()
        };
        self.warn_unknown(table, gateway::KEYS, warnings);
        for (name, item) in self.parts(table, "route")? {
            let mut route: RouteSettings = self.read(item)?;
            name.clone_into(&mut route.name);
            self.checked(item, route.check())?;
            self.warn_in(item, gateway::ROUTE_KEYS, warnings);
            if let Some(hedge) = item.get("hedge") {
                self.warn_in(hedge, gateway::HEDGE_KEYS, warnings);
            }
            gateway.routes.push(route);
        }
        for (name, item) in self.parts(table, "key")? {
            let mut key: LocalKeySettings = self.read(item)?;
            name.clone_into(&mut key.name);
            self.checked(item, key.check())?;
            self.warn_in(item, gateway::LOCAL_KEY_KEYS, warnings);
            gateway.keys.push(key);
        }
        Ok(gateway)
    }

    fn monitor(
        &self,
        item: &Item,
        warnings: &mut Vec<SettingsProblem>,
    ) -> Result<MonitorSettings, SettingsProblem> {
        let table = self.table(item, "the monitor is written as a section [monitor]")?;
        let monitor: MonitorSettings = self.read(item)?;
        self.checked(item, monitor.check())?;
        self.warn_unknown(table, monitor::KEYS, warnings);
        Ok(monitor)
    }

    /// The named parts of a section.
    fn parts<'t>(
        &self,
        table: &'t dyn TableLike,
        kind: &str,
    ) -> Result<Vec<(&'t str, &'t Item)>, SettingsProblem> {
        let Some(item) = table.get(kind) else {
            return Ok(Vec::new());
        };
        let why = format!("a {kind} is written as a section [gateway.{kind}.NAME]");
        Ok(self.table(item, &why)?.iter().collect())
    }

    /// The problem at the key of a part.
    fn checked(&self, item: &Item, check: Result<(), BadValue>) -> Result<(), SettingsProblem> {
        check.map_err(|(key, why)| {
            let span = item.get(key).and_then(Item::span);
            self.problem(span.or_else(|| item.span()), &why)
        })
    }

    fn warn_in(&self, item: &Item, known: &[&str], to: &mut Vec<SettingsProblem>) {
        if let Some(table) = item.as_table_like() {
            self.warn_unknown(table, known, to);
        }
    }

    fn prices(
        &self,
        item: &Item,
        warnings: &mut Vec<SettingsProblem>,
    ) -> Result<PriceTable, SettingsProblem> {
        let table = self.table(item, PRICE_FORM)?;
        let prices = table
            .iter()
            .map(|(pattern, item)| self.price(pattern, item, warnings));
        prices.collect::<Result<_, _>>().map(PriceTable::with_own)
    }

    fn price(
        &self,
        pattern: &str,
        item: &Item,
        warnings: &mut Vec<SettingsProblem>,
    ) -> Result<OwnPrice, SettingsProblem> {
        let table = self.table(item, PRICE_FORM)?;
        let rates = self.read(item)?;
        let above = table.get("above").map(|above| {
            let keys = self.table(above, "above is written as { tokens = 200000, input = … }")?;
            self.warn_unknown(keys, TIER_KEYS, warnings);
            self.read(above)
        });
        let above = above.transpose()?;
        self.warn_unknown(table, PRICE_KEYS, warnings);
        Ok(OwnPrice::new(pattern, rates, above))
    }

    fn table<'t>(&self, item: &'t Item, why: &str) -> Result<&'t dyn TableLike, SettingsProblem> {
        item.as_table_like()
            .ok_or_else(|| self.problem(item.span(), why))
    }

    fn read<T: for<'de> Deserialize<'de>>(&self, item: &Item) -> Result<T, SettingsProblem> {
        let value = (item.clone().into_value())
            .map_err(|_| self.problem(item.span(), "a value is missing"))?;
        T::deserialize(value.into_deserializer())
            .map_err(|why| self.problem(why.span().or_else(|| item.span()), why.message()))
    }

    fn warn_unknown(&self, table: &dyn TableLike, known: &[&str], to: &mut Vec<SettingsProblem>) {
        let unknown = table.iter().filter(|(key, _)| !known.contains(key));
        to.extend(unknown.map(|(key, _)| self.unknown(table, key)));
    }

    fn unknown(&self, table: &dyn TableLike, key: &str) -> SettingsProblem {
        let span = table.key(key).and_then(toml_edit::Key::span);
        let span = span.or_else(|| table.get(key).and_then(Item::span));
        self.problem(span, &format!("“{key}” is unknown here and has no effect"))
    }

    fn problem(&self, span: Option<Range<usize>>, message: &str) -> SettingsProblem {
        let message = message.lines().collect::<Vec<_>>().join("; ");
        let place = span.map(|span| self.place(span.start));
        SettingsProblem {
            path: self.path.to_owned(),
            line: place.map(|(line, _)| line),
            message: match place {
                Some((_, column)) => format!("column {column}: {message}"),
                None => message,
            },
        }
    }

    /// Line and column of a byte, both counted from 1, columns in characters.
    fn place(&self, byte: usize) -> (usize, usize) {
        let before = self.text.get(..byte).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.matches('\n').count() + 1;
        (line, before[line_start..].chars().count() + 1)
    }
}
