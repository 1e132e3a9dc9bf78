//! What a long day leaves in the window: it holds what it shows, and a frame takes in no more than it has time for.

use std::time::Duration;

use egui::Role;
use egui_kittest::kittest::Queryable as _;
use tokenscope::{
    desktop::view::ViewId,
    engine::{RunNews, Update},
    event::Event,
    history::Storage,
    run::{ConnectionKind, Read, Run, RunHead, RunId, RunUpdate, Stamps},
};

use super::{Desktop, Player, Scene, open_view, scenes};

/// All that is said of a run that answers with this text.
fn course(head: &RunHead, text: &str) -> Vec<RunNews> {
    let stamps = Stamps {
        started_unix_ns: scenes::now(),
        request_sent: Some(1),
        headers: Some(2),
        ..Stamps::default()
    };
    let begun = RunUpdate::Started {
        started_unix_ns: stamps.started_unix_ns,
    };
    let answered = RunUpdate::Head {
        stamps: Box::new(stamps.clone()),
        connection: ConnectionKind::Warm,
        status: 200,
        http_version: "HTTP/1.1".into(),
    };
    let closed = RunUpdate::Closed {
        at: 9,
        events: Vec::new(),
        stamps: Box::new(stamps),
    };
    let mut run = Run::new(head.clone());
    let mut news = vec![RunNews::Accepted(Box::new(head.clone()))];
    for update in [begun, answered, text_read(text), closed] {
        run.apply(&update).unwrap();
        news.push(RunNews::Update {
            id: head.id,
            update: update.into(),
        });
    }
    news.push(RunNews::Over(run.into()));
    news
}

fn text_read(text: &str) -> RunUpdate {
    let read = Read {
        at: 5,
        bytes: 9,
        events: 1,
        tokens: 1,
        ..Read::default()
    };
    let events = vec![Event::Text { text: text.into() }];
    RunUpdate::Read { read, events }
}

/// A head like those of the scene, with this id.
fn head(player: &Player, id: i64) -> RunHead {
    RunHead {
        id: RunId(id),
        ..player.scene.runs[0].head.clone()
    }
}

fn held(desktop: &Desktop) -> usize {
    desktop.state().app().state().runs.len()
}

#[test]
fn a_window_holds_the_runs_that_it_shows_and_loads_others_again() {
    let (mut desktop, mut player) = open_view(ViewId::Runs, scenes::filled());
    let text = "word ".repeat(4_000);
    for id in 1..=600 {
        for news in course(&head(&player, id), &text) {
            player.say(Update::Run(news));
        }
        if id % 20 == 0 {
            desktop.step();
            assert!(held(&desktop) <= 40, "{} after {id}", held(&desktop));
        }
    }
    let shown = player.scene.runs.last().unwrap().head.id;
    assert!(!desktop.state().app().state().runs.contains_key(&shown));
    player.play(&mut desktop);
    let rows: Vec<_> = desktop.query_all_by_role(Role::Row).collect();
    rows[0].click();
    player.play(&mut desktop);
    assert!(desktop.state().app().state().runs.contains_key(&shown));
    // It is shown, so it stays whatever comes.
    for id in 601..=700 {
        for news in course(&head(&player, id), "short") {
            player.say(Update::Run(news));
        }
    }
    player.play(&mut desktop);
    assert!(desktop.state().app().state().runs.contains_key(&shown));
    assert!(held(&desktop) <= 40);
}

#[test]
fn a_history_that_stores_nothing_leaves_all_runs_in_the_window() {
    let scene = Scene {
        storage: Storage::Failing {
            why: "the disk is full".into(),
        },
        ..scenes::filled()
    };
    let (mut desktop, mut player) = open_view(ViewId::Runs, scene);
    for id in 1..=100 {
        for news in course(&head(&player, id), "kept here alone") {
            player.say(Update::Run(news));
        }
    }
    player.play(&mut desktop);
    assert_eq!(held(&desktop), 100);
}

#[test]
fn a_frame_takes_in_only_so_much_and_the_next_ones_the_rest() {
    const PIECES: usize = 10_000;
    let (mut desktop, player) = open_view(ViewId::Runs, scenes::filled());
    let mut news = course(&head(&player, 1), "x");
    let rest = news.split_off(4);
    news.extend((1..PIECES).map(|_| RunNews::Update {
        id: RunId(1),
        update: text_read("x").into(),
    }));
    news.extend(rest);
    for news in news {
        player.say(Update::Run(news));
    }
    let text = |desktop: &Desktop| {
        let run = desktop.state().app().state().runs.get(&RunId(1));
        run.map_or(0, |run| run.answer.text.len())
    };
    desktop.step();
    let first = text(&desktop);
    assert!((1..PIECES).contains(&first), "{first}");
    let delays = desktop.output().viewport_output.values();
    let soonest = delays.map(|viewport| viewport.repaint_delay).min();
    assert_eq!(
        soonest,
        Some(Duration::ZERO),
        "the next frame follows at once"
    );
    for _ in 0..PIECES / 64 {
        if text(&desktop) == PIECES {
            break;
        }
        desktop.step();
    }
    assert_eq!(text(&desktop), PIECES, "nothing is lost");
}
