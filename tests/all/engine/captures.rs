//! What went over the wire of a run: loaded, searched, saved and opened again by the engine.

use tokenscope::{
    capture::{CaptureFormat, FrameQuery},
    engine::{
        CaptureCommand, CaptureSource, Command, ComputeCommand, LoadedCapture, RunNews, SavedAs,
        Update,
    },
    event::{EventKind, EventKinds},
};

use super::Driven;

fn load(driven: &Driven, id: tokenscope::run::RunId) -> LoadedCapture {
    let load = |reply| Command::Capture(CaptureCommand::Load { id, reply });
    driven.answer(load).expect("it can be read")
}

#[test]
fn a_wire_is_loaded_saved_and_opened_again() {
    let driven = Driven::new("");
    let id = driven.ask("simulator", "sim-fast");
    let findings = driven.until(|update| match update {
        Update::Run(RunNews::Findings { id: of, findings }) if of == id => Some(findings),
        _ => None,
    });
    // The history has all of it by the time at which the findings are told.
    let LoadedCapture::Kept(decoded) = load(&driven, id) else {
        panic!("it is kept");
    };
    let run = driven.kept(id);
    assert_eq!(decoded.capture.run.stamps, run.stamps);
    assert!(decoded.frames().len() > 2);
    let mut kinds = EventKinds::default();
    kinds.toggle(EventKind::Done);
    let query = FrameQuery {
        text: "done".into(),
        kinds,
    };
    let found = driven.answer(|reply| {
        let decoded = decoded.clone();
        Command::Compute(ComputeCommand::FindFrames {
            decoded,
            query,
            reply,
        })
    });
    assert_eq!(found, [decoded.frames().len() - 1]);

    let folder = tempfile::tempdir().unwrap();
    let save = |of: CaptureSource, what, name: &str| {
        let to = folder.path().join(name);
        let save = |reply| {
            Command::Capture(CaptureCommand::Save {
                of,
                what,
                to,
                reply,
            })
        };
        driven.answer(save)
    };
    let open = |name: &str| {
        let path = folder.path().join(name);
        driven.answer(|reply| Command::Capture(CaptureCommand::Open { path, reply }))
    };
    for (name, format) in [
        ("a.har", CaptureFormat::Har),
        ("a.tscap", CaptureFormat::Tscap),
    ] {
        let told = save(CaptureSource::Run(id), SavedAs::Whole(format), name).unwrap();
        assert!(
            told.starts_with("Written to ") && told.ends_with(name),
            "{told}"
        );
        let opened = open(name).unwrap();
        assert_eq!(opened.decoded.capture, decoded.capture, "{name}");
        assert_eq!(
            (opened.name.as_str(), opened.run.reads.len()),
            (name, run.reads.len())
        );
        assert_eq!(opened.run.answer.text, run.answer.text, "{name}");
        assert_eq!(opened.findings, findings, "{name}");
        // What was opened is saved, too.
        let of = CaptureSource::Opened(opened);
        save(of, SavedAs::Whole(CaptureFormat::Tscap), "b.tscap").unwrap();
        assert_eq!(open("b.tscap").unwrap().decoded.capture, decoded.capture);
    }
    save(CaptureSource::Run(id), SavedAs::Body, "a.sse").unwrap();
    let body = std::fs::read(folder.path().join("a.sse")).unwrap();
    assert_eq!(body, decoded.capture.response.as_ref().unwrap().body.bytes);

    let why = save(CaptureSource::Run(id), SavedAs::Body, "none/a.sse").unwrap_err();
    assert!(why.contains("can't be written"), "{why}");
    std::fs::write(folder.path().join("c.tscap"), "{\"tscap\":1}\n").unwrap();
    let why = open("c.tscap").unwrap_err();
    assert!(why.starts_with("c.tscap: line 1: "), "{why}");
    let why = open("none.tscap").unwrap_err();
    assert!(why.ends_with("none.tscap does not exist"), "{why}");
}

#[test]
fn a_wire_that_was_never_kept_says_so() {
    let driven = Driven::new("[history]\ncapture_mib = 0\n");
    let id = driven.ask("simulator", "sim-fast");
    driven.until(|update| match update {
        Update::Run(RunNews::Findings { id: of, .. }) => (of == id).then_some(()),
        _ => None,
    });
    let LoadedCapture::Gone(why) = load(&driven, id) else {
        panic!("none is kept");
    };
    assert!(!why.is_empty());
}
