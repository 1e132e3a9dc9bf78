//! Edits by the desktop and the terminal in a file that people write by hand.
//!
//! In: the file's text, an edit. Out: the text with only that edit. Comments, order, quoting and unknown keys stay.

mod sections;

use std::path::Path;

use serde::{Deserialize as _, de::IntoDeserializer as _};
use toml_edit::{DocumentMut, Item, Table, TableLike, Value};

use self::sections::{named_section, remove_section, section};
use super::{
    Appearance, SettingsEdit, SettingsProblem,
    alert::{self, AlertSettings},
    captures,
    monitor::{self, MonitorSettings},
    parse, read, retention,
    section::{EndpointSection, KEYS, TIMEOUT_KEYS},
};
use crate::{endpoint::Endpoint, private, transport::Timeouts};

/// The start of a new file.
const HEADER: &str = r#"# Tokenscope's settings. Edit this file by hand or in the desktop: comments stay, and a
# running Tokenscope applies changes at once. Keys do not belong here: store them in the
# OS keyring (`tokenscope keys set ID`) or in an environment variable, or use a command.
#
# [endpoint.my-server]                   the id: targets are my-server/model
# label = "My server"                    its name for people
# preset = "openai"                      defaults from a preset
# base_url = "https://host/v1"           the URL that a client library would be given
# dialect = "openai-chat"
# route = "via gateway"                  how it is reached, in your own words
# auth = "bearer"                        or "none", or { header = "api-key" }
# key_env = "MY_API_KEY"                 environment variables that may contain the key
# key_command = ["pass", "show", "key"]  a command that prints the key; no shell. Or Google's credentials:
#                                          ["google:adc"], ["google:metadata"], ["google:file", "/path/account.json"]
# headers = { X-Team = "${TEAM}" }       ${NAME} is taken from the environment
# models = ["a", "b"]                    names to offer if the server has no list
# proxy = "http://me:${PW}@host:3128"    or socks5://host:1080
# ca_file = "/path/ca.pem"               further certificate authorities to trust
# http = "auto"                          or "1.1", or "2"
# timeouts = { connect_ms = 10000, first_token_ms = 120000, idle_ms = 60000, total_ms = 1800000 }
# allow_http = true                      http:// to a host that is not this machine
#
# [price."my-server/*"]                  what these targets cost, in USD per million tokens; * stands for anything. It
# input = 1.25                             holds instead of the built-in price: what it leaves out is unknown
# cached = 0.125                         the part of the prompt that was read from the provider's cache
# cache_written = 1.5                    the part that was written to it; cache_written_1h: for an hour
# output = 10                            reasoning included, unless it has a price of its own: reasoning = 12
# above = { tokens = 200000, input = 2.5, output = 15 }   for requests with longer prompts
#
# [monitor]                              what the desktop's monitor does
# on = true
# targets = ["my-server/a"]
# every_s = 300                          the time between two probes of a target
# connections = "warm"                   or "cold", or "both"
# usd_per_day = 0.5                      most US dollars a day, from midnight to midnight, UTC
# allow_unpriced = false                 whether targets without a known price are probed all the same, uncounted
# check_every_s = 60                     free checks of the endpoints, every 10 to 60 seconds; 0 for none
# prompt = "Name ten rivers."            what is asked, with a new random number in front; to count, unless said
#
# [history]
# capture_mib = 512                      what went over the wire is kept within so many MiB, and for so many days;
# capture_days = 30                        the oldest go first, and the figures of their runs stay. 0 keeps none
# probes_days = 14                       the monitor's probes are kept one by one for so many days, then as figures of
# checks_days = 3                          each hour; so are its checks. Other runs stay until they are deleted
#
# [appearance]
# theme = "system"                       or "dark", or "light"
# zoom = 1.0
# notify_after_s = 20                     an answer that took so long is told to the desktop when it ends while another
#                                          window is in use; 0 for never
#
# [alert.slow]                           who is told when probes and checks say that a target is slow, fails, is away
# targets = ["openai/*"]                 all, unless said
# figure = "ttft_p95"                    or "ttft_p50", "ttft_p99", "error_rate", "burst", "availability",
#                                          "certificate_days"
# above = 2000                           milliseconds; of error_rate and burst a share, such as 0.2. Instead of it, for
#                                          availability below = 0.99, for certificate_days below = 14
# until = 1800                           it is over here: nine tenths of above, unless said
# over_minutes = 15
# least = 20                             fewer runs tell nothing: 5, unless said
# quiet = "22:00-07:00"                  nobody is told then, in local time
# notify = true                          a notification of the desktop
# webhook = "${SLACK_HOOK}"              is posted to; ${NAME} is taken from the environment
# form = "slack"                         or "json", "lark", "dingtalk"
# command = ["program", "argument"]      is run; JSON is its standard input
#
# [measuring]
# late_share = 0.1                       a run that this machine read later than this share of its TTFT is in no median

"#;

/// Reads the file, makes the edit, and writes the file if it changed. A file that is invalid before or after the edit
/// is not changed.
pub(super) fn make(path: &Path, edit: &SettingsEdit) -> Result<(), SettingsProblem> {
    let io = |why: std::io::Error| problem(path, why.to_string());
    let old = read(path).map_err(io)?;
    let text = match &old {
        Some(text) if !text.trim().is_empty() => text.as_str(),
        _ => HEADER,
    };
    parse::settings(path, text)?;
    let new = edited(text, edit).map_err(|why| problem(path, why))?;
    parse::settings(path, &new)
        .map_err(|why| problem(path, format!("the change was not made: {}", why.message)))?;
    if old.as_ref() == Some(&new) {
        return Ok(());
    }
    private::replace(path, new.as_bytes()).map_err(io)
}

fn problem(path: &Path, message: String) -> SettingsProblem {
    SettingsProblem {
        path: path.to_owned(),
        line: None,
        message,
    }
}

/// The text with the edit made.
fn edited(text: &str, edit: &SettingsEdit) -> Result<String, String> {
    let mut document: DocumentMut = text
        .parse()
        .map_err(|e: toml_edit::TomlError| e.to_string())?;
    // In a file of only comments, toml_edit has them after everything: keep them in front.
    let mut front = String::new();
    if document.is_empty() {
        front.push_str(document.trailing().as_str().unwrap_or_default());
        document.set_trailing("");
    }
    match edit {
        SettingsEdit::PutEndpoint { old_id, endpoint } => {
            put_endpoint(&mut document, old_id.as_deref(), endpoint)?;
        }
        SettingsEdit::RemoveEndpoint { id } => remove_section(&mut document, "endpoint", id)?,
        SettingsEdit::Appearance(appearance) => put_appearance(&mut document, *appearance)?,
        SettingsEdit::Monitor(monitor) => put_monitor(&mut document, monitor)?,
        SettingsEdit::Captures(limits) => {
            put_values(&mut document, "history", limits, captures::KEYS)?;
        }
        SettingsEdit::Retention(retention) => {
            put_values(&mut document, "history", retention, retention::KEYS)?;
        }
        SettingsEdit::Measuring(measuring) => {
            put_values(&mut document, "measuring", measuring, &["late_share"])?;
        }
        SettingsEdit::PutAlert { old_name, alert } => {
            put_alert(&mut document, old_name.as_deref(), alert)?;
        }
        SettingsEdit::RemoveAlert { name } => remove_section(&mut document, "alert", name)?,
        SettingsEdit::PutGatewayKey { name, sha256 } => {
            put_gateway_key(&mut document, name, sha256)?;
        }
    }
    let body = document.to_string();
    Ok(if front.is_empty() {
        body
    } else {
        front + body.trim_start_matches('\n')
    })
}

fn put_gateway_key(document: &mut DocumentMut, name: &str, sha256: &str) -> Result<(), String> {
    let mut into: &mut dyn TableLike = document.as_table_mut();
    for (part, is_implicit) in [("gateway", true), ("key", true), (name, false)] {
        let mut table = Table::new();
        table.set_implicit(is_implicit);
        into = (into.entry(part).or_insert(Item::Table(table)))
            .as_table_like_mut()
            .ok_or_else(|| format!("“{part}” is not a section"))?;
    }
    into.insert("sha256", toml_edit::value(sha256));
    Ok(())
}

fn put_endpoint(
    document: &mut DocumentMut,
    old_id: Option<&str>,
    endpoint: &Endpoint,
) -> Result<(), String> {
    let id = endpoint.id.as_str();
    let (into, is_new) = named_section(document, "endpoint", old_id, id)?;
    let full = EndpointSection::of(endpoint);
    let mut needed = full.clone().without_defaults(id);
    if is_new {
        // For readers, and so that the endpoint stays the same if the preset changes.
        needed.label.clone_from(&full.label);
        needed.base_url.clone_from(&full.base_url);
    }
    merge_section(into, &table_of(&full)?, &table_of(&needed)?)
}

/// Adds an alert, or replaces the one of its name; one of another name is renamed first.
fn put_alert(
    document: &mut DocumentMut,
    old_name: Option<&str>,
    alert: &AlertSettings,
) -> Result<(), String> {
    let (into, _) = named_section(document, "alert", old_name, &alert.name)?;
    // Whoever reads the file should see what an alert looks at.
    merge_changed(
        into,
        alert::KEYS,
        (alert, &AlertSettings::default()),
        &["figure"],
    )
}

fn merge_section(into: &mut dyn TableLike, full: &Table, minimal: &Table) -> Result<(), String> {
    for key in KEYS {
        let nested = into.get_mut(key).and_then(Item::as_table_like_mut);
        let (new, needed) = (full.get(key), minimal.get(key));
        match (*key, nested, new.and_then(Item::as_table_like)) {
            ("timeouts", Some(old), Some(new)) => {
                let default = table_of(&Timeouts::default())?;
                merge(old, TIMEOUT_KEYS, |key| {
                    let value = new.get(key);
                    (
                        value,
                        value.filter(|v| !default.get(key).is_some_and(|d| same(d, v))),
                    )
                });
            }
            ("headers", Some(old), Some(new)) => {
                let names: Vec<String> = (old.iter().chain(new.iter()))
                    .map(|(name, _)| name.to_owned())
                    .collect();
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                merge(old, &names, |name| (new.get(name), new.get(name)));
            }
            _ => merge(into, &[*key], |_| (new, needed)),
        }
    }
    Ok(())
}

/// Sets each key. `wanted` gives its value, and the value to write, if any. A key that has the value already is not
/// changed, so its comment and quoting stay.
fn merge<'a>(
    into: &mut dyn TableLike,
    keys: &[&str],
    wanted: impl Fn(&str) -> (Option<&'a Item>, Option<&'a Item>),
) {
    for key in keys {
        let (value, needed) = wanted(key);
        match (into.get(key), value, needed) {
            (Some(old), Some(new), _) if same(old, new) => {}
            (_, _, Some(new)) => put(into, key, new),
            (Some(_), _, None) => {
                into.remove(key);
            }
            (None, _, None) => {}
        }
    }
}

/// Sets each key. A value that is the default is not added, unless its key is one of those that are always said.
fn merge_changed<T: serde::Serialize>(
    into: &mut dyn TableLike,
    keys: &[&str],
    (new, default): (&T, &T),
    said: &[&str],
) -> Result<(), String> {
    let (new, default) = (table_of(new)?, table_of(default)?);
    merge(into, keys, |key| {
        let value = new.get(key);
        let is_default = |value: &&Item| default.get(key).is_some_and(|other| same(other, value));
        (
            value,
            value.filter(|value| said.contains(&key) || !is_default(value)),
        )
    });
    Ok(())
}

/// Sets a value, keeping the white space and the comment around the old one.
fn put(into: &mut dyn TableLike, key: &str, new: &Item) {
    let Ok(mut value) = new.clone().into_value() else {
        return;
    };
    if let Some(old) = into.get_mut(key).and_then(Item::as_value_mut) {
        *value.decor_mut() = old.decor().clone();
        *old = value;
    } else {
        value.decor_mut().clear();
        into.insert(key, Item::Value(value));
    }
}

/// Whether two values are equal, however they are written.
fn same(a: &Item, b: &Item) -> bool {
    plain(a).is_some_and(|a| Some(a) == plain(b))
}

fn plain(item: &Item) -> Option<serde_json::Value> {
    let value: Value = item.clone().into_value().ok()?;
    let value = serde_json::Value::deserialize(value.into_deserializer()).ok()?;
    // A list of one may be written without its brackets.
    Some(match value {
        serde_json::Value::Array(mut list) if list.len() == 1 => list.remove(0),
        value => value,
    })
}

fn table_of<T: serde::Serialize>(value: &T) -> Result<Table, String> {
    toml_edit::ser::to_document(value)
        .map(DocumentMut::into_table)
        .map_err(|why| why.to_string())
}

fn put_appearance(document: &mut DocumentMut, appearance: Appearance) -> Result<(), String> {
    let into = section(document, "appearance")?;
    // Write a zoom of 1.1 as 1.1, not as the nearest 32-bit float.
    let zoom = (f64::from(appearance.zoom) * 1000.0).round() / 1000.0;
    let theme = toml_edit::value(appearance.theme.as_str());
    merge(into, &["theme"], |_| (Some(&theme), Some(&theme)));
    let zoom = toml_edit::value(zoom);
    merge(into, &["zoom"], |_| (Some(&zoom), Some(&zoom)));
    let notify = toml_edit::value(i64::from(appearance.notify_after_s));
    let needed = (appearance.notify_after_s > 0).then_some(&notify);
    merge(into, &["notify_after_s"], |_| (Some(&notify), needed));
    Ok(())
}

/// Writes the plan.
fn put_monitor(document: &mut DocumentMut, monitor: &MonitorSettings) -> Result<(), String> {
    let into = section(document, "monitor")?;
    let plans = (monitor, &MonitorSettings::default());
    merge_changed(into, monitor::KEYS, plans, &["on", "targets"])
}

/// Writes all values of a section that has no parts.
fn put_values<T: serde::Serialize>(
    document: &mut DocumentMut,
    name: &str,
    values: &T,
    keys: &[&str],
) -> Result<(), String> {
    let into = section(document, name)?;
    let values = table_of(values)?;
    merge(into, keys, |key| (values.get(key), values.get(key)));
    Ok(())
}
