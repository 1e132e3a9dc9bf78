//! Real disks that are full or read-only, and networks that lead nowhere, in namespaces of the test's own.
//!
//! Each test runs its ignored half in a child of `unshare`, where that is allowed; elsewhere it says that it was
//! skipped.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

const FOLDER: &str = "TOKENSCOPE_TEST_FOLDER";
/// Mounts a disk of 16 MiB at the test's folder.
pub const SMALL_DISK: &str = r#"mount -t tmpfs -o size=16m none "$TOKENSCOPE_TEST_FOLDER""#;

/// Runs an ignored test where `mount` (a shell command) has been done to `$TOKENSCOPE_TEST_FOLDER`.
pub fn run_mounted(test: &str, mount: &str, folder: &Path) {
    run_apart("-rm", test, mount, folder);
}

/// The same in a network of its own, which has only what `setup` gives it.
pub fn run_in_network(test: &str, setup: &str, folder: &Path) {
    run_apart("-rmn", test, setup, folder);
}

#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn run_apart(namespaces: &str, test: &str, setup: &str, folder: &Path) {
    let allowed = Command::new("unshare").args([namespaces, "true"]).status();
    if !allowed.is_ok_and(|status| status.success()) {
        println!("skipped: this machine allows no namespaces");
        return;
    }
    let child = Command::new("unshare")
        .args([
            namespaces,
            "sh",
            "-c",
            &format!("{setup} && exec \"$0\" \"$@\""),
        ])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    let erred = String::from_utf8_lossy(&child.stderr);
    println!("{said}");
    assert!(
        child.status.success() && said.contains("1 passed"),
        "{said}\n{erred}"
    );
}

/// The folder of a test's ignored half.
pub fn folder() -> PathBuf {
    std::env::var_os(FOLDER)
        .expect("started by its other half")
        .into()
}
