//! The series of the plot, held against its definition.

#![expect(clippy::cast_possible_wrap, reason = "the numbers are small")]

use std::{collections::BTreeMap, path::Path};

use proptest::prelude::*;
use tokenscope::{
    event::{Fault, FaultClass, Phase},
    history::{History, Median, Series, SeriesPoint, SeriesQuery},
    measure::{late, percentile::percentile},
    run::{ConnectionKind, Run, RunId, RunState, ms},
};

use super::{a_run, history_of};

/// One run of the model: offset, TTFT, warm, what became of it, target, simulated.
type Given = (i64, u64, bool, u8, bool, bool);

fn run_of(id: i64, (at, ttft, warm, fate, other, simulated): Given) -> Run {
    let mut run = a_run(id);
    run.stamps.started_unix_ns = at;
    run.stamps.first_token = (fate != 1).then_some(ttft);
    run.connection = Some(if warm {
        ConnectionKind::Warm
    } else {
        ConnectionKind::Cold
    });
    run.head.target.model = if other { "b" } else { "a" }.into();
    run.head.simulated = simulated;
    let class = match fate {
        1 => Some(FaultClass::RateLimited),
        2 => Some(FaultClass::Interrupted),
        3 => Some(FaultClass::Cancelled),
        _ => None,
    };
    run.answer.fault = class.map(|class| Fault::new(class, Phase::Stream, "x"));
    run.state = if class.is_some() {
        RunState::Fault
    } else {
        RunState::Ok
    };
    run
}

fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2])
}

fn median_of(points: &[SeriesPoint]) -> f64 {
    middle(points.iter().map(|point| point.ttft_ms).collect())
}

/// The line of the medians of one kind.
fn medians(
    measured: &[SeriesPoint],
    by_pixel: &BTreeMap<i64, Vec<usize>>,
    pixels: i64,
) -> Vec<(i64, f64)> {
    let mut line = Vec::new();
    for cell in 0..=pixels / 4 {
        let on_cell = by_pixel.range(cell * 4..cell * 4 + 4);
        let runs: Vec<usize> = on_cell.clone().flat_map(|(_, runs)| runs.clone()).collect();
        let lasts: Vec<usize> = on_cell
            .filter_map(|(_, runs)| runs.last().copied())
            .collect();
        if runs.len() >= 9 {
            let all = &measured[runs[0]..=runs[runs.len() - 1]];
            let middle = measured[lasts[lasts.len() / 2]];
            line.push((middle.at_unix_ns, median_of(all)));
            continue;
        }
        line.extend(lasts.into_iter().map(|last| {
            let nine = &measured[last.saturating_sub(8)..=last];
            (measured[last].at_unix_ns, median_of(nine))
        }));
    }
    line
}

/// The series of one target as its documentation defines it.
fn expected(runs: &[&Run], from: i64, to: i64, pixels: i64) -> Series {
    let width = (to - from) / pixels + 1;
    let pixel_of = |run: &Run| (run.stamps.started_unix_ns - from) / width;
    let mut series = Series {
        target: runs[0].head.target.clone(),
        simulated: runs[0].head.simulated,
        ..Series::default()
    };
    for connection in [ConnectionKind::Warm, ConnectionKind::Cold] {
        let measured: Vec<SeriesPoint> = runs
            .iter()
            .filter(|r| r.state == RunState::Ok && r.connection == Some(connection))
            .map(|r| SeriesPoint {
                at_unix_ns: r.stamps.started_unix_ns,
                ttft_ms: ms(r.stamps.first_token.unwrap()),
                connection,
                run: r.head.id,
            })
            .collect();
        let mut by_pixel: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        for (n, point) in measured.iter().enumerate() {
            by_pixel
                .entry((point.at_unix_ns - from) / width)
                .or_default()
                .push(n);
        }
        let median = (!measured.is_empty()).then(|| Median {
            runs: measured.len(),
            ms: median_of(&measured),
        });
        let ttfts = measured.iter().map(|point| point.ttft_ms);
        series.p95_ms[usize::from(connection == ConnectionKind::Cold)] =
            percentile(ttfts, 0.95).value;
        let line = medians(&measured, &by_pixel, pixels);
        match connection {
            ConnectionKind::Warm => (series.warm, series.median_warm) = (median, line),
            ConnectionKind::Cold => (series.cold, series.median_cold) = (median, line),
        }
        for on_pixel in by_pixel.values() {
            let mut sorted = on_pixel.clone();
            sorted.sort_by(|a, b| measured[*a].ttft_ms.total_cmp(&measured[*b].ttft_ms));
            let mut kept = vec![
                sorted[0],
                sorted[(sorted.len() - 1) / 2],
                sorted[sorted.len() - 1],
            ];
            kept.dedup();
            series.points.extend(kept.into_iter().map(|n| measured[n]));
        }
    }
    series
        .points
        .sort_by_key(|point| (point.at_unix_ns, point.run));
    let mut last_pixel = None;
    for run in runs {
        let Some(fault) = run.answer.fault.as_ref().filter(|_| !run.is_cancelled()) else {
            continue;
        };
        series.faults += 1;
        if last_pixel.replace(pixel_of(run)) != Some(pixel_of(run)) {
            series.errors.push(tokenscope::history::SeriesError {
                at_unix_ns: run.stamps.started_unix_ns,
                class: fault.class,
                run: run.head.id,
            });
        }
    }
    series
}

#[test]
fn the_series_is_what_its_definition_says() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    // TTFTs and times are distinct, so that which run is "the lowest" is not a matter of taste.
    let given = prop::collection::vec(
        (
            0_i64..5_000,
            0_u64..1_000_000,
            any::<bool>(),
            0_u8..6,
            any::<bool>(),
            any::<bool>(),
        ),
        1..400,
    );
    let config = ProptestConfig::with_cases(40);
    proptest!(config, |(given in given, pixels in 1_usize..40, from in 0_i64..2000, length in 1_i64..5000)| {
        let folder = tempfile::tempdir().unwrap();
        let mut runs: Vec<Run> = given
            .into_iter()
            .enumerate()
            .map(|(n, mut run)| {
                run.0 = run.0 * 400 + n as i64;
                run.1 = run.1 * 400 + n as u64;
                run_of(n as i64 + 1, run)
            })
            .collect();
        let history = history_of(folder.path(), &runs);
        runs.sort_by_key(|run| run.stamps.started_unix_ns);
        let (from, to) = (from * 400, (from + length) * 400);
        let got = runtime.block_on(history.ttft_plot(SeriesQuery {
            from_unix_ns: Some(from),
            to_unix_ns: Some(to),
            pixels,
            ..SeriesQuery::default()
        })).unwrap();
        let mut by_target: BTreeMap<_, Vec<&Run>> = BTreeMap::new();
        for run in &runs {
            if (from..=to).contains(&run.stamps.started_unix_ns) {
                by_target.entry((run.head.target.clone(), run.head.simulated)).or_default().push(run);
            }
        }
        let expected: Vec<Series> = by_target
            .values()
            .map(|runs| expected(runs, from, to, pixels as i64))
            .filter(|series| series.runs() + series.faults > 0)
            .collect();
        prop_assert_eq!(got.series, expected);
    });
}

#[tokio::test]
async fn without_limits_it_spans_all_runs() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    let empty = history
        .ttft_plot(SeriesQuery {
            pixels: 100,
            ..SeriesQuery::default()
        })
        .await
        .unwrap();
    assert_eq!(empty.series, []);
    for id in 1..=1000 {
        history.finish(a_run(id));
    }
    let all = history
        .ttft_plot(SeriesQuery {
            pixels: 0,
            ..SeriesQuery::default()
        })
        .await
        .unwrap()
        .series;
    assert_eq!(
        (all.len(), all[0].runs(), all[0].points.len()),
        (1, 1000, 3)
    );
}

/// A probe a minute, whose TTFT doubles after 200 of them.
fn with_a_change(folder: &Path) -> History {
    let history = History::open(folder);
    for id in 1..=400_u32 {
        let mut run = a_run(id.into());
        run.stamps.started_unix_ns = i64::from(id) * MINUTE;
        let usual = if id <= 200 { 400 } else { 800 };
        run.stamps.first_token = Some((usual + u64::from(id * 7 % 40)) * 1_000_000);
        run.connection = Some(ConnectionKind::Warm);
        // Each tenth is read late: by half of its TTFT, which is not its own then.
        if id % 10 == 0 {
            run.stamps.first_token = Some(5_000_000_000);
            run.stamps.first_token_delay = Some(2_500_000_000);
        }
        history.finish(run);
    }
    history
}

const MINUTE: i64 = 60_000_000_000;

#[tokio::test]
async fn runs_that_were_read_late_are_counted_apart() {
    let folder = tempfile::tempdir().unwrap();
    let history = with_a_change(folder.path());
    let asked = |late_share| {
        history.ttft_plot(SeriesQuery {
            pixels: 1_000,
            late_share,
            ..SeriesQuery::default()
        })
    };
    let series = &asked(0.1).await.unwrap().series[0];
    assert_eq!((series.late, series.runs(), series.faults), (40, 360, 0));
    assert!(series.points.iter().all(|point| point.ttft_ms < 1_000.0));
    let series = &asked(0.5).await.unwrap().series[0];
    assert_eq!((series.late, series.runs()), (0, 400));
    let loaded = history.run(RunId(10)).await.unwrap().unwrap();
    assert!(late::of(&loaded, 0.1) && !late::of(&loaded, 0.5));
}

#[tokio::test]
async fn a_change_is_told_where_it_is_and_stays_when_one_looks_closer() {
    let folder = tempfile::tempdir().unwrap();
    let history = with_a_change(folder.path());
    for (from, to) in [(None, None), (Some(195), Some(225)), (Some(0), Some(230))] {
        let series = history.ttft_plot(SeriesQuery {
            from_unix_ns: from.map(|minutes| minutes * MINUTE),
            to_unix_ns: to.map(|minutes| minutes * MINUTE),
            pixels: 300,
            ..SeriesQuery::default()
        });
        let series = &series.await.unwrap().series[0];
        assert_eq!(series.changes.len(), 1, "{from:?}: {:?}", series.changes);
        let found = &series.changes[0];
        assert_eq!(found.at_unix_ns / MINUTE, 201, "{from:?}");
        assert_eq!(found.connection, ConnectionKind::Warm);
        let ratio = found.change.ratio().unwrap();
        assert!((ratio - 820.0 / 420.0).abs() < 0.05, "{from:?}: {ratio}");
    }
    let before = SeriesQuery {
        to_unix_ns: Some(190 * MINUTE),
        ..SeriesQuery::default()
    };
    let plot = history.ttft_plot(before).await.unwrap();
    assert_eq!(plot.series[0].changes, []);
    let since = SeriesQuery {
        from_unix_ns: Some(240 * MINUTE),
        ..SeriesQuery::default()
    };
    let plot = history.ttft_plot(since).await.unwrap();
    assert_eq!(plot.series[0].changes, []);
}
