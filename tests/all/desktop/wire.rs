//! What went over the wire, in the inspector: its frames, its heads, what is saved of it, and a file that is opened and
//! replayed.

use std::{path::PathBuf, sync::Arc};

use egui::{Key, Modifiers, OutputCommand, Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use tokenscope::{
    capture::{Capture, CaptureFormat},
    desktop::view::ViewId,
    engine::{CaptureCommand, CaptureSource, Command, LoadedCapture, SavedAs},
};

use super::{
    Desktop, Dropped, Player, Scene, click, open_view, player::reply_to, scenes, shows, type_into,
    write_into,
};

/// Opens the runs with the wire of that in the first row.
fn wire_of(scene: Scene) -> (Desktop, Player) {
    let (mut desktop, mut player) = open_view(ViewId::Runs, scene);
    let row = desktop.query_all_by_role(Role::Row).next().expect("a run");
    row.click();
    player.play(&mut desktop);
    click(&mut desktop, &mut player, "Inspector: Wire");
    (desktop, player)
}

/// The names of the rows of frames that are laid out.
fn frames(desktop: &Desktop) -> Vec<String> {
    let rows = desktop.query_all_by_role(Role::Row);
    let names = rows.filter_map(|row| row.accesskit_node().label());
    names.filter(|name| name.starts_with("Frame ")).collect()
}

fn frame<'a>(desktop: &'a Desktop, begin: &str) -> egui_kittest::Node<'a> {
    let mut rows = desktop.query_all_by_role(Role::Row);
    let found = rows.find(|row| {
        row.accesskit_node()
            .label()
            .is_some_and(|name| name.starts_with(begin))
    });
    found.unwrap_or_else(|| panic!("{begin}: {:?}", frames(desktop)))
}

#[test]
fn frames_stand_beside_what_was_made_of_them() {
    let (mut desktop, mut player) = wire_of(scenes::wire());
    let all = frames(&desktop);
    assert!(
        all[1].ends_with("at 651.000 ms: text A hash map "),
        "{all:?}"
    );
    assert!(all[3].ends_with("keep-alive"), "{all:?}");
    frame(&desktop, "Frame 2 ").click();
    player.play(&mut desktop);
    assert!(shows(
        &desktop,
        "Frame 2 of 19 · at 651.000 ms, 11.000 ms after what came before"
    ));
    assert!(
        shows(&desktop, r#"data: {"id":"chatcmpl-C7yT2b0m1""#),
        "the raw bytes"
    );
    desktop.key_press(Key::ArrowRight);
    player.play(&mut desktop);
    assert!(shows(&desktop, "Frame 3 of 19"));
    desktop.key_press(Key::End);
    player.play(&mut desktop);
    assert!(shows(&desktop, "Frame 19 of 19") && shows(&desktop, "data: [DONE]"));
    assert_eq!(desktop.unnamed_widgets(), Vec::<String>::new());
}

#[test]
fn what_is_unknown_is_marked() {
    let (mut desktop, mut player) = wire_of(scenes::wire());
    let unknown: Vec<String> = (frames(&desktop).into_iter())
        .filter(|name| name.ends_with(", unknown to this program"))
        .collect();
    assert_eq!(unknown.len(), 1, "{unknown:?}");
    assert!(unknown[0].contains("content.hologram"), "{unknown:?}");
    frame(&desktop, "Frame 6 ").click();
    player.play(&mut desktop);
    assert!(shows(&desktop, "unknown"));
}

#[test]
fn frames_are_searched_and_filtered_by_the_engine() {
    let (mut desktop, mut player) = wire_of(scenes::wire());
    type_into(&mut desktop, &mut player, "Search the frames", "LOCKER");
    let found = frames(&desktop);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(shows(&desktop, "2 of 19 rows"));
    write_into(&mut desktop, &mut player, "Search the frames", "nowhere");
    assert_eq!(frames(&desktop), [""; 0]);
    click(&mut desktop, &mut player, "Clear the search");
    click(&mut desktop, &mut player, "Filter frames by kind of event");
    click(&mut desktop, &mut player, "usage (1)");
    click(&mut desktop, &mut player, "keep-alive (1)");
    let found = frames(&desktop);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[1].contains("usage input 31, output 18"), "{found:?}");
    click(&mut desktop, &mut player, "All kinds");
    assert!(shows(&desktop, "19 rows"));
}

#[test]
fn a_hundred_thousand_frames_cost_no_more_than_a_thousand() {
    let (few, _player) = wire_of(scenes::wire_of(1_000));
    let (mut many, mut player) = wire_of(scenes::wire_of(100_000));
    assert!(shows(&many, "100\u{202f}000 rows"));
    let laid_out = frames(&many).len();
    assert!((5..60).contains(&laid_out), "{laid_out}");
    assert_eq!(laid_out, frames(&few).len());
    let shapes = |desktop: &Desktop| desktop.output().shapes.len();
    assert!(
        shapes(&many) <= shapes(&few) + 8,
        "{} and {}",
        shapes(&many),
        shapes(&few)
    );
    let begin = frames(&many);
    many.key_press(Key::End);
    player.play(&mut many);
    assert!(shows(&many, "Frame 100\u{202f}000 of 100\u{202f}000"));
    assert_ne!(frames(&many), begin);
    assert!(frames(&many).len() < 60);
    type_into(&mut many, &mut player, "Search the frames", "word 9999");
    assert!(shows(&many, "11 of 100\u{202f}000 rows"));
}

#[test]
fn heads_are_shown_with_keys_covered() {
    let (mut desktop, mut player) = wire_of(scenes::wire());
    click(&mut desktop, &mut player, "Wire: Request");
    for text in ["authorization", "Bearer •••", "Explain what a hash map is"] {
        assert!(shows(&desktop, text), "{text}");
    }
    click(&mut desktop, &mut player, "Wire: Response");
    for text in ["HTTP/2.0 200", "x-request-id", "req_7f3a", "in 19 reads"] {
        assert!(shows(&desktop, text), "{text}");
    }
}

#[test]
fn a_wire_that_is_not_there_says_why() {
    for (scene, text) in [
        (scenes::wire_gone(), "older than captures are kept"),
        (scenes::filled(), "Its wire was never kept"),
        (scenes::live(), "can be read once the run is over"),
    ] {
        let (desktop, _player) = wire_of(scene);
        assert!(shows(&desktop, text), "{text}");
    }
    let (mut desktop, mut player) = wire_of(scenes::wire_error());
    assert!(shows(&desktop, "fault rate_limited"));
    // One read is no “1 reads”.
    click(&mut desktop, &mut player, "Wire: Response");
    assert!(shows(&desktop, "in 1 read") && !shows(&desktop, "1 reads"));
}

/// Zooms in on the second read of a waterfall, and points at it.
pub fn hover_second_read(desktop: &mut Desktop, player: &mut Player) {
    click(desktop, player, "Next read");
    for _ in 0..40 {
        desktop.key_press(Key::Plus);
        desktop.run_steps(1);
    }
    // Zoomed in on a read, the next one is out of sight: going there puts it in the middle.
    click(desktop, player, "Next read");
    let axis = desktop.get_by_label("Waterfall").rect();
    let names = desktop.query_all_by_label_contains("Streaming");
    let lane = names.last().expect("the lane of the reads").rect();
    desktop.hover_at(egui::pos2(axis.center().x, lane.center().y));
    desktop.run_steps(4);
}

#[test]
fn a_ticks_hover_says_what_the_read_said() {
    let (mut desktop, mut player) = wire_of(scenes::wire());
    click(&mut desktop, &mut player, "Inspector: Waterfall");
    hover_second_read(&mut desktop, &mut player);
    assert!(shows(&desktop, "Read 2 of 19"));
    assert!(shows(&desktop, "It completed frame 2"));
    assert!(shows(&desktop, "text A hash map"));
}

#[test]
fn a_capture_is_saved_where_it_is_asked_for() {
    let (mut desktop, mut player) = wire_of(scenes::wire());
    click(&mut desktop, &mut player, "Save as…");
    click(&mut desktop, &mut player, ".tscap…");
    click(&mut desktop, &mut player, "Format: HAR");
    assert_eq!(desktop.unnamed_widgets(), Vec::<String>::new());
    write_into(&mut desktop, &mut player, "File", "/tmp/there/run.har");
    click(&mut desktop, &mut player, "Save");
    let shown = player.scene.runs.last().unwrap().head.id;
    let answer = |player: &mut Player, answer: Result<String, String>| {
        for command in &mut player.heard {
            if let Command::Capture(CaptureCommand::Save {
                of: CaptureSource::Run(id),
                what,
                to,
                reply,
            }) = command
            {
                assert_eq!(*id, shown);
                assert_eq!(*what, SavedAs::Whole(CaptureFormat::Har));
                assert_eq!(*to, PathBuf::from("/tmp/there/run.har"));
                reply_to(reply, answer.clone());
            }
        }
    };
    answer(&mut player, Err("there is no such folder".into()));
    player.play(&mut desktop);
    assert!(shows(&desktop, "Not saved: there is no such folder"));
    click(&mut desktop, &mut player, "Save");
    answer(&mut player, Ok("Written to /tmp/there/run.har".into()));
    player.play(&mut desktop);
    assert!(shows(&desktop, "Written to /tmp/there/run.har"));
    assert!(
        desktop.query_by_label("Format: HAR").is_none(),
        "it is closed"
    );
}

#[test]
fn what_was_asked_is_copied_as_a_command() {
    let (mut desktop, mut player) = wire_of(scenes::wire());
    click(&mut desktop, &mut player, "Save as…");
    click(&mut desktop, &mut player, "Copy as cURL");
    assert!(shows(&desktop, "Copied as cURL"));
}

/// A file with the capture of the scene's first row.
pub fn file_of(scene: &Scene) -> (tempfile::TempDir, PathBuf) {
    let (folder, path, _) = file(scene, "run.tscap");
    (folder, path)
}

/// The same in this format, with the capture.
fn file(scene: &Scene, name: &str) -> (tempfile::TempDir, PathBuf, Capture) {
    let run = scene.runs.last().unwrap();
    let Some(LoadedCapture::Kept(decoded)) = scene.wires.get(&run.head.id) else {
        panic!("a capture");
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let format = CaptureFormat::of_name(&path).unwrap();
    std::fs::write(&path, format.write(&decoded.capture)).unwrap();
    (folder, path, decoded.capture.clone())
}

/// The answer of the inspected run as far as it has come, by its JSON.
fn answer(desktop: &mut Desktop, player: &mut Player) -> String {
    desktop.get_by_label("Copy the run as JSON").click();
    desktop.run_steps(4);
    player.answer();
    desktop.run_steps(1);
    let commands = desktop.output().platform_output.commands.iter();
    let mut copied = commands.filter_map(|command| match command {
        OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    });
    let run: tokenscope::run::Run = serde_json::from_str(&copied.next().expect("a copy")).unwrap();
    run.answer.text
}

/// Drops a file on the window.
pub fn drop_file(desktop: &mut Desktop, player: &mut Player, path: &std::path::Path) {
    let file = Arc::new(Dropped(path.to_owned()));
    desktop.input_mut().dropped_files.push(file);
    desktop.step();
    desktop.input_mut().dropped_files.clear();
    player.play(desktop);
}

#[test]
fn a_file_is_opened_by_a_command() {
    let scene = scenes::wire();
    let (_folder, path, _) = file(&scene, "run.tscap");
    let (mut desktop, mut player) = open_view(ViewId::Runs, scenes::empty());
    desktop.key_press_modifiers(Modifiers::COMMAND, Key::O);
    player.play(&mut desktop);
    write_into(&mut desktop, &mut player, "File", "/nowhere/run.tscap");
    click(&mut desktop, &mut player, "Open");
    assert!(shows(&desktop, "/nowhere/run.tscap does not exist"));
    write_into(&mut desktop, &mut player, "File", path.to_str().unwrap());
    click(&mut desktop, &mut player, "Open");
    assert!(desktop.query_by_label("from a file").is_some());
    assert!(shows(&desktop, "19 rows"));
    click(&mut desktop, &mut player, "Inspector: Overview");
    assert_eq!(
        answer(&mut desktop, &mut player),
        scene.runs.last().unwrap().answer.text
    );
    click(&mut desktop, &mut player, "Close the inspector");
    assert!(desktop.query_by_label("from a file").is_none());
}

#[test]
fn a_file_is_opened_by_dropping_it_on_any_view() {
    let (_folder, path, _) = file(&scenes::wire_chinese(), "run.tscap");
    for view in [ViewId::Playground, ViewId::Monitor, ViewId::Settings] {
        let (mut desktop, mut player) = open_view(view, scenes::filled());
        drop_file(&mut desktop, &mut player, &path);
        assert!(desktop.query_by_label("from a file").is_some(), "{view:?}");
        assert!(shows(&desktop, "text 哈希表"), "{view:?}");
    }
    let (_folder, har, _) = file(&scenes::wire(), "run.har");
    let (mut desktop, mut player) = open_view(ViewId::Runs, scenes::filled());
    drop_file(&mut desktop, &mut player, &har);
    assert!(desktop.query_by_label("from a file").is_some());
    std::fs::write(&har, "{\"log\":{}}").unwrap();
    let (mut desktop, mut player) = open_view(ViewId::Runs, scenes::filled());
    drop_file(&mut desktop, &mut player, &har);
    assert!(shows(&desktop, "run.har: "), "the problem is told");
}

#[test]
fn a_file_is_replayed_frame_by_frame_and_at_its_own_pace() {
    let (_folder, path, capture) = file(&scenes::wire(), "run.tscap");
    let (mut desktop, mut player) = open_view(ViewId::Runs, scenes::filled());
    drop_file(&mut desktop, &mut player, &path);
    assert!(
        shows(&desktop, "frame 19 of 19"),
        "all of it is shown at first"
    );
    for number in 1..=3 {
        click(&mut desktop, &mut player, "Next frame");
        assert!(
            shows(&desktop, &format!("frame {number} of 19")),
            "{number}"
        );
        assert_eq!(frames(&desktop).len(), number);
        assert!(
            shows(&desktop, &format!("Frame {number} of 19")),
            "it is gone to"
        );
    }
    assert!(desktop.query_by_label("replayed from a file").is_some());
    assert_eq!(desktop.unnamed_widgets(), Vec::<String>::new());
    let text = answer(&mut desktop, &mut player);
    assert_eq!(text, "A hash map is like ", "the rest has not come");
    // One step of this window's clock is 100 ms: at a tenth of the pace nothing comes within one.
    click(&mut desktop, &mut player, "Speed: 0.1×");
    desktop.get_by_label("Play").click();
    desktop.run_steps(4);
    assert!(desktop.query_by_label("Pause").is_some());
    click(&mut desktop, &mut player, "Speed: Max");
    assert!(shows(&desktop, "frame 19 of 19"));
    assert!(desktop.query_by_label("Play").is_some(), "it is at its end");
    assert!(desktop.query_by_label("from a file").is_some());
    let text = answer(&mut desktop, &mut player);
    assert!(text.ends_with("walk straight to it."), "{text}");
    assert_eq!(capture.response.unwrap().reads.len(), 19);
}

#[test]
fn a_run_of_the_table_takes_the_place_of_a_file() {
    let (_folder, path, _) = file(&scenes::wire(), "run.tscap");
    let (mut desktop, mut player) = open_view(ViewId::Runs, scenes::filled());
    drop_file(&mut desktop, &mut player, &path);
    let rows: Vec<_> = desktop.query_all_by_role(Role::Row).collect();
    let run = rows.iter().find(|row| {
        row.accesskit_node()
            .label()
            .is_some_and(|name| name.starts_with("Run of"))
    });
    run.expect("a row of the table").click();
    drop(rows);
    player.play(&mut desktop);
    assert!(desktop.query_by_label("from a file").is_none());
}
