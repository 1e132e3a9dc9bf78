//! The report on a bench that is shown.

use egui_kittest::kittest::Queryable as _;
use tokenscope::{
    bench::BenchId,
    engine::{BenchCommand, Command, SavedBenchCommand},
    settings::ThemeChoice,
};

use super::{Player, WIDE, bench::open_saved, click, heard, player::reply_to, shows, write_into};

#[test]
fn a_report_is_written_where_the_user_says_and_a_failure_is_told() {
    let (mut desktop, mut player) = open_saved(1, "figures", WIDE, ThemeChoice::Dark);
    desktop.get_by_label_contains("Report…").click();
    player.play(&mut desktop);
    assert!(shows(&desktop, "Report on this bench"));
    assert_eq!(desktop.unnamed_widgets(), Vec::<String>::new());
    write_into(&mut desktop, &mut player, "File", "/tmp/b.html");
    write_into(&mut desktop, &mut player, "Vantage", "Berlin");
    click(&mut desktop, &mut player, "Write it");
    let asked = heard(&player, |command| match command {
        Command::Bench(BenchCommand::Saved(SavedBenchCommand::Report {
            id, vantage, to, ..
        })) => Some((*id, vantage.clone(), to.clone())),
        _ => None,
    });
    assert_eq!(asked, [(BenchId(1), "Berlin".into(), "/tmp/b.html".into())]);
    let answer = |player: &mut Player, answer: Result<(), String>| {
        for command in &mut player.heard {
            if let Command::Bench(BenchCommand::Saved(SavedBenchCommand::Report {
                reply, ..
            })) = command
            {
                reply_to(reply, answer.clone());
            }
        }
    };
    answer(&mut player, Err("the disk is full".into()));
    player.play(&mut desktop);
    assert!(shows(&desktop, "Not written: the disk is full"));
    click(&mut desktop, &mut player, "Write it");
    answer(&mut player, Ok(()));
    player.play(&mut desktop);
    assert!(shows(&desktop, "The report is written to /tmp/b.html"));
    assert!(!shows(&desktop, "Write it"));
}
