//! Long answers: the desktop is told of them if that is wanted, once for all that were under way together, and only
//! while another window is in use.

use std::sync::Arc;

use tokenscope::{
    desktop::view::ViewId,
    engine::{Command, RunNews, SettingsNews, Update},
    event::{Event, Fault, FaultClass, Phase},
    run::{ConnectionKind, Origin, Run, RunHead, RunId, RunUpdate, Stamps},
};

use super::{
    Desktop, Player, edits, heard, open_view, player::reply_to, rig::click, scenes, shows,
};

const SECOND: u64 = 1_000_000_000;

/// A window whose user wants to be told of answers of 20 seconds and more, and looks at another one.
fn looking_elsewhere() -> (Desktop, Player) {
    let mut scene = scenes::filled();
    scene.settings.appearance.notify_after_s = 20;
    let (mut desktop, player) = open_view(ViewId::Playground, scene);
    desktop.input_mut().focused = false;
    (desktop, player)
}

fn head(player: &Player, id: i64, model: &str) -> RunHead {
    let mut head = player.scene.runs[0].head.clone();
    head.target.model = model.into();
    RunHead {
        id: RunId(id),
        origin: Origin::Playground,
        simulated: false,
        ..head
    }
}

fn begin(player: &Player, head: &RunHead) {
    let head = Box::new(head.clone());
    player.say(Update::Run(RunNews::Accepted(head)));
}

fn end(player: &Player, head: &RunHead, seconds: u64, fault: Option<FaultClass>) {
    let stamps = Stamps {
        closed: Some(seconds * SECOND),
        ..Stamps::default()
    };
    let fault = fault.map(|class| Event::Fault(Fault::new(class, Phase::Stream, "so it ended")));
    let course = [
        RunUpdate::Started {
            started_unix_ns: scenes::now(),
        },
        RunUpdate::Head {
            stamps: Box::default(),
            connection: ConnectionKind::Warm,
            status: 200,
            http_version: "HTTP/1.1".into(),
        },
        RunUpdate::Closed {
            at: seconds * SECOND,
            events: fault.into_iter().collect(),
            stamps: Box::new(stamps),
        },
    ];
    let mut run = Run::new(head.clone());
    for update in course {
        run.apply(&update).unwrap();
        let (id, update) = (head.id, update.into());
        player.say(Update::Run(RunNews::Update { id, update }));
    }
    player.say(Update::Run(RunNews::Over(run.into())));
}

/// What the desktop was asked to show, each with its title and text.
fn told(player: &Player) -> Vec<(String, String)> {
    heard(player, |command| match command {
        Command::Notify { title, text, .. } => Some((title.clone(), text.clone())),
        _ => None,
    })
}

#[test]
fn answers_that_were_under_way_together_are_told_once() {
    let (mut desktop, mut player) = looking_elsewhere();
    let [quick, slow] = [head(&player, 1, "quick"), head(&player, 2, "slow")];
    begin(&player, &quick);
    begin(&player, &slow);
    end(&player, &quick, 3, Some(FaultClass::RateLimited));
    player.play(&mut desktop);
    assert_eq!(told(&player), []);
    end(&player, &slow, 21, None);
    player.play(&mut desktop);
    let [(title, text)] = &told(&player)[..] else {
        panic!("{:?}", told(&player))
    };
    assert_eq!(title, "Tokenscope: 2 answers have ended");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].ends_with("/quick: failed after 3.00 s (rate_limited)"));
    assert!(lines[1].ends_with("/slow: 21.0 s") && lines.len() == 2);
}

#[test]
fn a_simulated_answer_is_told_as_one() {
    let (mut desktop, mut player) = looking_elsewhere();
    let head = RunHead {
        simulated: true,
        ..head(&player, 1, "slow")
    };
    begin(&player, &head);
    end(&player, &head, 90, None);
    player.play(&mut desktop);
    let (title, text) = told(&player).remove(0);
    assert_eq!(title, "Tokenscope: the answer has come");
    assert!(text.ends_with("/slow: 1 min 30 s, simulated"), "{text}");
}

/// A reason why nobody is told, and what brings it about.
type Quiet = (&'static str, fn(&mut Desktop, &mut Player, &mut RunHead));

#[test]
fn nobody_is_told_who_looks_on_or_did_not_ask() {
    let cases: [Quiet; 3] = [
        ("the window has the focus", |desktop, _, _| {
            desktop.input_mut().focused = true;
        }),
        ("it is not wanted", |_, player, _| {
            let settings = Arc::new(scenes::filled().settings);
            player.say(Update::Settings(SettingsNews::Are(settings)));
        }),
        ("another view asked", |_, _, head| {
            head.origin = Origin::Compare;
        }),
    ];
    for (why, change) in cases {
        let (mut desktop, mut player) = looking_elsewhere();
        let mut head = head(&player, 1, "slow");
        change(&mut desktop, &mut player, &mut head);
        begin(&player, &head);
        end(&player, &head, 60, None);
        player.play(&mut desktop);
        assert_eq!(told(&player), [], "{why}");
    }
    for (seconds, fault) in [(19, None), (60, Some(FaultClass::Cancelled))] {
        let (mut desktop, mut player) = looking_elsewhere();
        let head = head(&player, 1, "slow");
        begin(&player, &head);
        end(&player, &head, seconds, fault);
        player.play(&mut desktop);
        assert_eq!(told(&player), [], "{seconds} s, {fault:?}");
    }
}

#[test]
fn a_desktop_that_shows_no_notification_is_told_in_the_window() {
    let (mut desktop, mut player) = looking_elsewhere();
    let head = head(&player, 1, "slow");
    begin(&player, &head);
    end(&player, &head, 60, None);
    player.play(&mut desktop);
    for command in &mut player.heard {
        if let Command::Notify { reply, .. } = command {
            reply_to(reply, Err("there is no session bus".into()));
        }
    }
    player.play(&mut desktop);
    assert!(shows(
        &desktop,
        "The desktop shows no notification: there is no session bus"
    ));
}

#[test]
fn a_click_turns_it_on_from_20_seconds_on_and_off_again() {
    let (mut desktop, mut player) = open_view(ViewId::Settings, scenes::filled());
    click(&mut desktop, &mut player, "Appearance");
    let named = "A notification of the desktop for long answers";
    click(&mut desktop, &mut player, named);
    let after = |player: &Player| {
        let edit = edits(player).pop();
        let Some(tokenscope::settings::SettingsEdit::Appearance(look)) = edit else {
            panic!("{edit:?}")
        };
        look.notify_after_s
    };
    assert_eq!(after(&player), 20);
    let mut settings = player.scene.settings.clone();
    settings.appearance.notify_after_s = 20;
    player.say(Update::Settings(SettingsNews::Are(Arc::new(settings))));
    player.play(&mut desktop);
    click(&mut desktop, &mut player, named);
    assert_eq!(after(&player), 0);
}
