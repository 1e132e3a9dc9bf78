//! What packages hold besides the program: the entry for the desktop's menu, manual pages, and files that are there.

use std::path::Path;

use clap::CommandFactory as _;
use toml_edit::{Array, DocumentMut};

use crate::home::Home;

const MANIFEST: &str = include_str!("../../Cargo.toml");
const DESKTOP_FILE: &str = include_str!("../../assets/tokenscope.desktop");

fn assets() -> Vec<(String, String)> {
    let manifest: DocumentMut = MANIFEST.parse().unwrap();
    let assets = manifest["package"]["metadata"]["deb"]["assets"].clone();
    let assets = assets.as_array().cloned().unwrap_or_default();
    let word = |asset: &Array, at| asset.get(at).unwrap().as_str().unwrap().to_owned();
    let assets = assets.iter().map(|asset| asset.as_array().unwrap());
    assets
        .map(|asset| (word(asset, 0), word(asset, 1)))
        .collect()
}

/// A manual page, as it is shown without its commands of roff.
fn page(home: &Home, command: &[&str]) -> String {
    let ran = home.run(&[&["man"], command].concat(), "");
    assert_eq!(ran.code, Some(0), "{command:?}: {ran:?}");
    ran.out
        .replace("\\-", "-")
        .replace("\\fB", "")
        .replace("\\fR", "")
}

/// Checks the pages of a command and of its commands; gives how many there are.
fn check_pages(home: &Home, command: &clap::Command, names: &[&str]) -> usize {
    let page = page(home, names);
    let name = [&["tokenscope"], names].concat().join("-");
    assert!(page.contains(&format!(".TH {name} 1")), "{page}");
    let options = command.get_arguments().filter(|arg| !arg.is_hide_set());
    for option in options.filter_map(clap::Arg::get_long) {
        assert!(page.contains(&format!("--{option}")), "{name}: {option}");
    }
    let mut pages = 1;
    for sub in command.get_subcommands() {
        let below = [names, &[sub.get_name()]].concat();
        assert!(page.contains(&format!("{name}-{}(1)", sub.get_name())));
        pages += check_pages(home, sub, &below);
    }
    pages
}

#[test]
fn every_command_has_a_manual_page_that_names_its_options() {
    let pages = check_pages(&Home::new(), &tokenscope::cli::Cli::command(), &[]);
    assert!(pages > 20, "{pages}");
}

#[test]
fn a_manual_page_of_no_command_is_refused_with_those_that_are_known() {
    let home = Home::new();
    for (command, said) in [
        (
            &["no-such"][..],
            "tokenscope has no command “no-such”: known are alerts, bench",
        ),
        (
            &["keys", "no-such"],
            "keys has no command “no-such”: known are set",
        ),
        (
            &["chat", "no-such"],
            "chat has no command “no-such”: it has none",
        ),
    ] {
        let ran = home.run(&[&["man"], command].concat(), "");
        assert_eq!(ran.code, Some(2));
        assert!(ran.err.contains(said), "{}", ran.err);
    }
    let listed = home.run(&["man", "--list", "keys"], "");
    assert!(listed.out.starts_with("set\n"), "{}", listed.out);
    assert!(home.run(&["man", "--list", "chat"], "").out.is_empty());
}

#[test]
fn the_entry_of_the_menu_names_what_the_package_installs() {
    let value = |key: &str| {
        let line = DESKTOP_FILE.lines().find_map(|line| line.strip_prefix(key));
        line.unwrap_or_else(|| panic!("{key}"))
    };
    let installed = |path: &str| assets().iter().any(|(_, to)| to == path);
    assert_eq!(value("Exec="), "tokenscope");
    assert!(installed("usr/bin/"));
    for icon in [
        "256x256/apps/tokenscope.png",
        "scalable/apps/tokenscope.svg",
    ] {
        assert!(
            installed(&format!("usr/share/icons/hicolor/{icon}")),
            "{icon}"
        );
    }
    assert_eq!(value("Icon="), "tokenscope");
    let png = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/icon.png")).unwrap();
    let sides = png[16..24]
        .chunks(4)
        .map(|side| u32::from_be_bytes(side.try_into().unwrap()));
    assert_eq!(sides.collect::<Vec<_>>(), [256, 256]);
}

#[test]
fn a_package_asks_for_no_file_that_is_not_there() {
    let assets = assets();
    assert!(assets.len() > 10);
    // What is made as a package is built stands under `target`.
    for (from, _) in assets
        .iter()
        .filter(|(from, _)| !from.starts_with("target/"))
    {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(from);
        assert!(path.is_file(), "{from}");
    }
}
