//! A real browser without a window, which opens reports.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use crate::deadline;

/// A real browser, if one is installed.
pub fn browser() -> Option<&'static str> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let is_there = |name: &&str| Command::new(name).arg("--version").output().is_ok();
    let found = names.into_iter().find(is_there);
    if found.is_none() {
        println!("skipped: no Chromium is installed (apt-get install chromium)");
    }
    found
}

/// Takes pictures of a page in both themes, if a folder for them is named.
pub fn take_pictures(browser: &str, file: &Path, name: &str, height: u32) {
    let Some(folder) = std::env::var_os("TOKENSCOPE_PICTURES") else {
        return;
    };
    for (theme, number) in [("light", 1), ("dark", 0)] {
        let picture = Path::new(&folder).join(format!("{name}-{theme}.png"));
        let more = [
            format!("--screenshot={}", picture.display()),
            format!("--blink-settings=preferredColorScheme={number}"),
            format!("--window-size=1280,{height}"),
        ];
        opened(browser, file, &more.each_ref().map(String::as_str));
    }
}

/// Opens a file in a real browser without a window: what became of its markup, and what its console said.
pub fn opened(browser: &str, file: &Path, more: &[&str]) -> (String, String) {
    let profile = tempfile::tempdir().unwrap();
    let mut command = Command::new(browser);
    command
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
        ])
        .args(["--enable-logging=stderr", "--hide-scrollbars"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(more)
        .arg(format!("file://{}", file.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let ended = deadline::output(command.spawn().unwrap());
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(ended.status.success(), "{said}");
    let console = said.lines().filter(|line| line.contains("CONSOLE"));
    let console = console.collect::<Vec<_>>().join("\n");
    (String::from_utf8_lossy(&ended.stdout).into_owned(), console)
}
