//! The times in which no target was asked.

use tokenscope::{
    endpoint::TargetId,
    event::{Fault, FaultClass, Phase},
    history::{GapReason, History, OutcomeFilter, ProbeGap, RunQuery, SeriesQuery},
    run::RunState,
};

use super::a_run;

fn gap(target: Option<&str>, why: GapReason, from: i64, to: Option<i64>) -> ProbeGap {
    ProbeGap {
        target: target.map(|target| target.parse::<TargetId>().unwrap()),
        why,
        from_unix_ns: from,
        to_unix_ns: to,
    }
}

#[tokio::test]
async fn gaps_are_kept_and_those_that_reach_into_a_stretch_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    let kept = [
        gap(None, GapReason::Asleep, 100, Some(200)),
        gap(Some("a/m"), GapReason::Busy, 150, Some(160)),
        gap(Some("b/org/m"), GapReason::Offline, 300, Some(400)),
    ];
    kept.iter().cloned().for_each(|gap| history.put_gap(gap));
    for (from, to, found) in [
        (0, 1_000, &kept[..]),
        (200, 300, &[kept[0].clone(), kept[2].clone()]),
        (155, 155, &kept[..2]),
        (201, 299, &[]),
        (401, 500, &[]),
    ] {
        assert_eq!(history.gaps(from, to).await.unwrap(), found, "{from} {to}");
    }
    history.end().await.unwrap();
    let again = History::open(folder.path());
    assert_eq!(again.gaps(0, 1_000).await.unwrap(), kept);
}

#[tokio::test]
async fn a_gap_that_lasts_ends_where_it_was_last_seen() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    let before = i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap();
    let lasting = gap(Some("a/m"), GapReason::Offline, before, None);
    let mut ends = Vec::new();
    for _ in 0..2 {
        history.put_gap(lasting.clone());
        let found = history.gaps(0, i64::MAX).await.unwrap();
        assert_eq!(found.len(), 1, "it is one gap");
        ends.push(found[0].to_unix_ns.unwrap());
    }
    assert!(before <= ends[0] && ends[0] <= ends[1], "{ends:?}");
    // Its end counts, even where the clock was set back meanwhile.
    let over = gap(Some("a/m"), GapReason::Offline, before, Some(i64::MAX));
    history.put_gap(over.clone());
    assert_eq!(history.gaps(0, i64::MAX).await.unwrap(), [over]);
}

#[tokio::test]
async fn a_plot_has_its_gaps_those_closer_than_a_pixel_as_one() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    for n in 0..1_000 {
        history.put_gap(gap(Some("a/m"), GapReason::Busy, n * 10, Some(n * 10 + 5)));
    }
    history.put_gap(gap(Some("a/m"), GapReason::Offline, 5_000, Some(5_001)));
    let plot = |pixels| {
        history.ttft_plot(SeriesQuery {
            from_unix_ns: Some(0),
            to_unix_ns: Some(10_000),
            pixels,
            ..SeriesQuery::default()
        })
    };
    let coarse = plot(100).await.unwrap().gaps;
    assert_eq!(
        coarse,
        [
            gap(Some("a/m"), GapReason::Busy, 0, Some(9_995)),
            gap(Some("a/m"), GapReason::Offline, 5_000, Some(5_001)),
        ]
    );
    assert_eq!(plot(10_000).await.unwrap().gaps.len(), 1_001);
}

#[tokio::test]
async fn a_run_that_a_sleep_cut_off_is_neither_a_failure_nor_the_users() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    for (id, class) in [
        (1, Some(FaultClass::Reset)),
        (2, Some(FaultClass::Suspended)),
        (3, Some(FaultClass::Cancelled)),
        (4, None),
    ] {
        let mut run = a_run(id);
        if let Some(class) = class {
            run.state = RunState::Fault;
            run.answer.fault = Some(Fault::new(class, Phase::Headers, "why"));
        }
        history.finish(run);
    }
    for (outcome, ids) in [
        (OutcomeFilter::Ok, vec![4]),
        (OutcomeFilter::Fault, vec![1]),
        (OutcomeFilter::Cancelled, vec![3]),
    ] {
        let query = RunQuery {
            outcome: Some(outcome),
            limit: 10,
            ..RunQuery::default()
        };
        let page = history.runs(query).await.unwrap();
        let found: Vec<i64> = page.rows.iter().map(|row| row.id.0).collect();
        assert_eq!(found, ids, "{outcome:?}");
    }
    let plot = history.ttft_plot(SeriesQuery::default()).await.unwrap();
    assert_eq!((plot.series[0].faults, plot.series[0].runs()), (1, 1));
}
