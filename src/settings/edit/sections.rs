//! The file's sections: made, renamed, removed.

use toml_edit::{DocumentMut, Item, Table, TableLike};

/// The section `[name]`, made if there is none.
pub(super) fn section<'a>(
    document: &'a mut DocumentMut,
    name: &str,
) -> Result<&'a mut dyn TableLike, String> {
    let mut table = Table::new();
    if !document.is_empty() {
        table.decor_mut().set_prefix("\n");
    }
    (document.entry(name).or_insert(Item::Table(table)))
        .as_table_like_mut()
        .ok_or_else(|| format!("“{name}” is not a section"))
}

/// The section `[kind.name]`, and whether it is new: it is made if there is none, and renamed if it had another name.
pub(super) fn named_section<'a>(
    document: &'a mut DocumentMut,
    kind: &str,
    old_name: Option<&str>,
    name: &str,
) -> Result<(&'a mut dyn TableLike, bool), String> {
    // The table of all of them has no header.
    let mut table = Table::new();
    table.set_implicit(true);
    let all = (document.entry(kind).or_insert(Item::Table(table)))
        .as_table_like_mut()
        .ok_or_else(|| format!("“{kind}” is not a section"))?;
    if let Some(old) = old_name.filter(|old| *old != name) {
        if all.contains_key(name) {
            return Err(format!("there is an {kind} “{name}” already"));
        }
        if let Some(item) = all.remove(old) {
            all.insert(name, item);
        }
    }
    let is_new = !all.contains_key(name);
    if is_new {
        let mut table = Table::new();
        table.decor_mut().set_prefix("\n");
        all.insert(name, Item::Table(table));
    }
    let section = (all.get_mut(name).and_then(Item::as_table_like_mut))
        .ok_or_else(|| format!("“{kind}.{name}” is not a section"))?;
    Ok((section, is_new))
}

/// Removes the section `[kind.name]`.
pub(super) fn remove_section(
    document: &mut DocumentMut,
    kind: &str,
    name: &str,
) -> Result<(), String> {
    let removed = (document.get_mut(kind).and_then(Item::as_table_like_mut))
        .and_then(|sections| sections.remove(name))
        .ok_or_else(|| format!("there is no {kind} “{name}” in this file"))?;
    if let Some(table) = removed.as_table() {
        keep_comments_above(document, table);
    }
    Ok(())
}

/// A section's comment is removed with it. A comment above that, separated by an empty line, is about something else
/// (often the whole file) and moves to the next section.
fn keep_comments_above(document: &mut DocumentMut, removed: &Table) {
    let prefix = (removed.decor().prefix().and_then(|p| p.as_str())).unwrap_or_default();
    let Some((above, _own)) = prefix.rsplit_once("\n\n") else {
        return;
    };
    if above.trim().is_empty() {
        return;
    }
    let position = removed.position().unwrap_or_default();
    if let Some(next) = next_table(document.as_table_mut(), position) {
        let decor = next.decor_mut();
        let below = decor.prefix().and_then(|p| p.as_str()).unwrap_or_default();
        let joined = format!("{above}\n\n{}", below.trim_start_matches('\n'));
        decor.set_prefix(joined);
    } else {
        let trailing = document.trailing().as_str().unwrap_or_default();
        let joined = format!("{above}\n{trailing}");
        document.set_trailing(joined);
    }
}

/// The table that comes first in the text after a position.
fn next_table(root: &mut Table, after: isize) -> Option<&mut Table> {
    let position = positions(root).into_iter().filter(|p| *p > after).min()?;
    table_at(root, position)
}

fn positions(table: &Table) -> Vec<isize> {
    let below = (table.iter().filter_map(|(_, item)| item.as_table())).flat_map(positions);
    let own = table.position().filter(|_| !table.is_implicit());
    own.into_iter().chain(below).collect()
}

fn table_at(table: &mut Table, position: isize) -> Option<&mut Table> {
    if table.position() == Some(position) && !table.is_implicit() {
        return Some(table);
    }
    (table.iter_mut().filter_map(|(_, item)| item.as_table_mut()))
        .find_map(|table| table_at(table, position))
}
