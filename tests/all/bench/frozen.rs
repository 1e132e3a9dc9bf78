//! A server that freezes: an open loop's figures from schedule show it, a closed loop's can't.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{answer, assert_done, bench_at};
use crate::{
    fault_server::{Server, read_request, serve},
    home::Home,
};

/// One stretch of the server, and how long it is frozen at its end. It begins with the first request.
const PERIOD: Duration = Duration::from_secs(1);
const FROZEN: Duration = Duration::from_millis(200);

/// How long a request that comes so long after the server's begin is held up at least.
fn frozen_for(since: Duration) -> Duration {
    let within = Duration::from_nanos(u64::try_from(since.as_nanos() % PERIOD.as_nanos()).unwrap());
    let left = PERIOD.saturating_sub(within);
    if left <= FROZEN { left } else { Duration::ZERO }
}

async fn freezing_server() -> Server {
    let begun: Arc<Mutex<Option<Instant>>> = Arc::default();
    serve(move |mut stream, _| {
        let begun = Arc::clone(&begun);
        async move {
            while read_request(&mut stream).await.is_some() {
                let since = begun
                    .lock()
                    .unwrap()
                    .get_or_insert_with(Instant::now)
                    .elapsed();
                tokio::time::sleep(frozen_for(since)).await;
                answer(&mut stream).await;
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_from_schedule_show_a_freeze_that_a_closed_loop_hides() {
    let home = Home::new();
    let more = ["--rate", "250", "--arrivals", "constant", "-n", "1000"];
    let (line, ran) = bench_at(&home, &freezing_server().await, &more);
    assert_done(&line, &ran);
    assert_eq!(line["requests"]["ok"], 1_000, "{line}");
    // By the schedule: every 4 ms, over four periods. The server may begin a little after the schedule does, which
    // moves the freeze, and not its length.
    let mut held: Vec<Duration> = (0..1_000)
        .map(|n| frozen_for(Duration::from_millis(n * 4)))
        .collect();
    held.sort_unstable();
    let truth = held[989].as_secs_f64() * 1e3;
    let p99 = |figures: &Value| figures["ttft_ms"]["p99"].as_f64().unwrap();
    // Nothing is faster than the server: only a busy machine can add to it.
    let found = p99(&line["from_schedule"]);
    assert!(
        found >= truth * 0.95,
        "{found} ms, and the truth is {truth} ms"
    );

    // Of a closed loop only one request a freeze is held up: two in a hundred of what an open loop would have sent.
    let (closed, ran) = bench_at(&home, &freezing_server().await, &["-c", "1", "-n", "1000"]);
    assert_done(&closed, &ran);
    assert_eq!(closed["from_schedule"], Value::Null);
    let median = closed["ttft_ms"]["p50"].as_f64().unwrap();
    assert!(median < truth, "{median}");
}
