//! Changes are told, however they are made.

use super::*;

#[test]
fn a_change_is_told_however_it_is_written_and_reading_is_none() {
    let home = Home::new();
    let (told, changes) = mpsc::channel();
    let watch = settings::watch(&home.paths(), move || told.send(()).unwrap()).unwrap();
    let wait = || deadline::message("a change", &changes);
    // Written in place, in two steps.
    home.write_settings("");
    home.write_settings("# a\n");
    wait();
    // Written beside and moved over, as editors do.
    let beside = home.settings().with_extension("swp");
    fs::write(&beside, "# b\n").unwrap();
    fs::rename(&beside, home.settings()).unwrap();
    wait();
    // By ourselves.
    settings::edit(&home.paths(), &put(&endpoint("x", "https://x.example/v1"))).unwrap();
    wait();
    // Taken away.
    fs::remove_file(home.settings()).unwrap();
    wait();
    // Neither reading, nor another file, nor the same text again is a change.
    home.write_settings("# c\n");
    wait();
    for _ in 0..10 {
        load(&home).unwrap();
        home.write_settings("# c\n");
        fs::write(&beside, "x").unwrap();
    }
    home.write_settings("# d\n");
    wait();
    assert_eq!(changes.try_iter().count(), 0);
    drop(watch);
    home.write_settings("# e\n");
    let ended = Deadline::of("the end of its thread").next(&changes);
    assert_eq!(ended, None);
}

#[cfg(unix)]
#[test]
fn a_change_behind_a_link_is_told() {
    let home = Home::new();
    let real = home.path().join("elsewhere/dotfiles.toml");
    fs::create_dir_all(real.parent().unwrap()).unwrap();
    fs::write(&real, "# a\n").unwrap();
    fs::create_dir_all(home.settings().parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&real, home.settings()).unwrap();
    let (told, changes) = mpsc::channel();
    let _watch = settings::watch(&home.paths(), move || told.send(()).unwrap()).unwrap();
    fs::write(&real, "# b\n").unwrap();
    deadline::message("a change", &changes);
}
