//! The sections `[alert.NAME]`, written.

use toml_edit::{DocumentMut, Item, Table};

use super::{merge, same, table_of};
use crate::settings::alert::{AlertSettings, KEYS};

/// Adds an alert, or replaces the one of its name; one of another name is renamed first. A value that is the default is
/// not added.
pub(super) fn put(
    document: &mut DocumentMut,
    old_name: Option<&str>,
    alert: &AlertSettings,
) -> Result<(), String> {
    let name = alert.name.as_str();
    let mut table = Table::new();
    table.set_implicit(true);
    let alerts = (document.entry("alert").or_insert(Item::Table(table)))
        .as_table_like_mut()
        .ok_or("“alert” is not a section")?;
    if let Some(old) = old_name.filter(|old| *old != name) {
        if alerts.contains_key(name) {
            return Err(format!("there is an alert “{name}” already"));
        }
        if let Some(item) = alerts.remove(old) {
            alerts.insert(name, item);
        }
    }
    if !alerts.contains_key(name) {
        let mut table = Table::new();
        table.decor_mut().set_prefix("\n");
        alerts.insert(name, Item::Table(table));
    }
    let into = (alerts.get_mut(name).and_then(Item::as_table_like_mut))
        .ok_or_else(|| format!("“alert.{name}” is not a section"))?;
    let (new, default) = (table_of(alert)?, table_of(&AlertSettings::default())?);
    merge(into, KEYS, |key| {
        let value = new.get(key);
        let is_default = |value: &&Item| default.get(key).is_some_and(|other| same(other, value));
        // Whoever reads the file should see what an alert looks at.
        let is_said = key == "figure";
        (value, value.filter(|value| is_said || !is_default(value)))
    });
    Ok(())
}
