//! A tmpfs that is made as small as what is on it, and large again; and sizes.

use std::{path::Path, process::Command};

/// Makes the disk full, but for a few pages.
pub(super) fn fill(folder: &Path) {
    let used = Command::new("df")
        .args(["-k", "--output=used"])
        .arg(folder)
        .output()
        .unwrap();
    let used = String::from_utf8(used.stdout).unwrap();
    let used: u64 = used.split_whitespace().last().unwrap().parse().unwrap();
    remount(folder, &format!("{}k", used + 64));
}

/// Makes room again.
pub(super) fn free(folder: &Path) {
    remount(folder, "2g");
}

fn remount(folder: &Path, size: &str) {
    let done = Command::new("mount")
        .args(["-o", &format!("remount,size={size}")])
        .arg(folder)
        .status()
        .unwrap();
    assert!(done.success(), "{size}");
}

/// What the history's files take, in KiB.
pub(super) fn size_kib(folder: &Path) -> u64 {
    let size = |name| std::fs::metadata(folder.join(name)).map_or(0, |file| file.len() / 1024);
    size("history.db") + size("history.db-wal")
}
