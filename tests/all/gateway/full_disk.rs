//! A disk that is full: requests go on, the log says so, and the history has all of them once there is room.

use std::fs;

use futures_util::{StreamExt as _, stream};
use serde_json::json;
use tokenscope::history::{History, RunQuery};

use super::{TOKEN, command};
use crate::{
    deadline::soon,
    home::Home,
    mounted::{SMALL_DISK, folder, run_mounted},
    served::Served,
    simulator::client::reqwest_client,
};

#[test]
fn requests_go_on_while_the_disk_is_full() {
    let folder = tempfile::tempdir().unwrap();
    run_mounted(
        "gateway::full_disk::full_disk_half",
        SMALL_DISK,
        folder.path(),
    );
}

/// Asks so many long questions, fifty at a time; all must be answered in full.
async fn ask(served: &Served, numbers: std::ops::Range<usize>) {
    let client = reqwest_client().build().unwrap();
    let url = format!("{}/chat/completions", served.base_url);
    let (client, url) = (&client, url.as_str());
    let answers = stream::iter(numbers).map(|number| async move {
        let question = format!("{number} ").repeat(20_000 / 4);
        let body = json!({
            "model": "simulator-gemini/sim-fast", "stream": true,
            "messages": [{ "role": "user", "content": question }],
        });
        let asked = client.post(url).bearer_auth(TOKEN).json(&body);
        let answer = asked.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let text = answer.text().await.unwrap();
        assert!(text.ends_with("data: [DONE]\n\n"), "{text}");
    });
    soon("all answers", answers.buffer_unordered(50).collect::<()>()).await;
}

/// Waits for a line of the log with these words.
fn log_says(served: &mut Served, words: &str) -> String {
    loop {
        let line = served.error_line();
        if line.contains(words) {
            return line;
        }
    }
}

#[tokio::test]
#[ignore = "run by requests_go_on_while_the_disk_is_full"]
async fn full_disk_half() {
    let folder = folder();
    let ballast = folder.join("ballast");
    fs::write(&ballast, vec![1; 14 << 20]).unwrap();
    let data = folder.to_str().unwrap();
    let home: Home = command::home().with("TOKENSCOPE_DATA_DIR", data);
    let audit = folder.join("audit.jsonl");
    let mut served = command::serve(&home, &["--simulator", "--audit", audit.to_str().unwrap()]);

    let (filling, more) = (200, 30);
    ask(&served, 0..filling).await;
    let line = log_says(&mut served, "not kept in the history");
    assert!(
        line.contains("full") && line.contains("free some space"),
        "{line}"
    );
    ask(&served, filling..filling + more).await;

    fs::remove_file(ballast).unwrap();
    log_says(&mut served, "the history is written again");
    served.stop();
    let history = History::open(&folder);
    let all = RunQuery {
        limit: 1_000,
        ..RunQuery::default()
    };
    let kept = history.runs(all).await.unwrap().rows.len();
    assert_eq!(kept, filling + more);
    soon("the history's end", history.end()).await.unwrap();
}
