//! Each request is a run in the history, and a line of the audit.

use std::sync::{Arc, Mutex};

use serde_json::json;
use tokenscope::{
    dialect::DialectId,
    endpoint::variables::Environment,
    gateway::{self, AuditRecord},
    history::{History, KeptCapture, RunQuery},
    run::{Origin, Run, RunState},
    settings::{
        self,
        gateway::{KeptContents, RouteSettings},
    },
};

use super::{
    chat, options,
    upstream::{Upstream, chat_stream, ok},
};
use crate::{
    deadline::{self, soon},
    fault_server::whole,
    home::Home,
    simulator::{client::reqwest_client, dialects::endpoints, quick},
};

struct Kept {
    runs: Vec<Run>,
    captures: Vec<KeptCapture>,
    audit: Vec<AuditRecord>,
}

/// Asks a gateway with a history for this model by `openai-chat`, and gives what was kept.
async fn asked(
    model: &str,
    routes: Vec<RouteSettings>,
    endpoints: Vec<tokenscope::endpoint::Endpoint>,
    contents: KeptContents,
) -> Kept {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    let audit: Arc<Mutex<Vec<AuditRecord>>> = Arc::default();
    let lines = Arc::clone(&audit);
    let mut options = options(routes, endpoints);
    options.config.contents = contents;
    options.history = Some(history.clone());
    options.audit = Some(Box::new(move |record| {
        lines.lock().unwrap().push(record.clone());
    }));
    let gateway = gateway::serve(options).await.unwrap();
    let question = json!([{ "role": "user", "content": "a private question" }]);
    let body = json!({ "model": model, "stream": true, "messages": question });
    let client = reqwest_client().build().unwrap();
    let response = chat(&client, &gateway, &body).send().await.unwrap();
    response.text().await.unwrap();
    soon("the gateway's end", gateway.drain()).await;
    history.flush().await;
    let all = RunQuery {
        limit: 100,
        ..RunQuery::default()
    };
    let page = history.runs(all).await.unwrap();
    let (mut runs, mut captures) = (Vec::new(), Vec::new());
    for row in page.rows {
        captures.push(history.capture(row.id).await.unwrap());
        runs.push(history.run(row.id).await.unwrap().unwrap());
    }
    soon("the history's end", history.end()).await.unwrap();
    let audit = audit.lock().unwrap().clone();
    Kept {
        runs,
        captures,
        audit,
    }
}

#[tokio::test]
async fn each_request_is_a_run_whichever_way_it_went() {
    let simulator = quick().await;
    for (target, is_passed) in [("simulator", true), ("simulator-gemini", false)] {
        let model = format!("{target}/sim-reasoning");
        let kept = asked(&model, Vec::new(), endpoints(&simulator), KeptContents::All).await;
        let [run] = kept.runs.as_slice() else {
            panic!("{} runs", kept.runs.len());
        };
        assert_eq!(
            (run.state, run.head.origin),
            (RunState::Ok, Origin::Gateway),
            "{target}"
        );
        assert_eq!(run.head.target.to_string(), model);
        assert_eq!(run.head.request.messages.len(), 1, "{:?}", run.head.request);
        assert!(!run.answer.text.is_empty() && !run.answer.reasoning.is_empty());
        assert!(run.stamps.first_token < run.stamps.last_token);
        assert!(run.reads.len() > 1 && run.stamps.link.is_some());
        let KeptCapture::Kept(capture) = &kept.captures[0] else {
            panic!("{:?}", kept.captures);
        };
        let response = capture.response.as_ref().unwrap();
        let of_run: u64 = run.reads.iter().map(|read| u64::from(read.bytes)).sum();
        assert_eq!(response.body.total, of_run, "{target}");
        let asked = capture.request.as_ref().unwrap();
        assert!(String::from_utf8_lossy(&asked.body.bytes).contains("a private question"));

        let [line] = kept.audit.as_slice() else {
            panic!("{} lines", kept.audit.len());
        };
        assert_eq!(
            (line.key.as_str(), line.status, line.outcome.as_str()),
            ("token", 200, "ok")
        );
        assert_eq!(
            (line.model.as_str(), line.target.as_str()),
            (model.as_str(), model.as_str())
        );
        assert_eq!(line.attempts, 1);
        // A stream of openai-chat that was passed on says its counts only if it is asked to.
        assert_eq!(line.output_tokens.is_some(), !is_passed, "{line:?}");
        let parts = [
            line.added_ms,
            line.network_ms,
            line.provider_ms,
            line.lost_ms,
        ]
        .map(Option::unwrap);
        let ttft = line.ttft_ms.unwrap();
        let sum: f64 = parts.iter().sum();
        assert!(
            (ttft - sum).abs() < 0.5,
            "the parts are the whole: {line:?}"
        );
        let written = serde_json::to_string(&line).unwrap() + &line.to_string();
        assert!(!written.contains("private"), "{written}");
    }
}

#[tokio::test]
async fn contents_are_kept_as_the_settings_say() {
    let failing = || {
        Upstream::saying(whole(
            "400 Bad Request",
            "",
            "{\"error\":{\"message\":\"no\"}}",
        ))
    };
    let good = || {
        Upstream::saying(ok(
            "text/event-stream",
            "",
            &chat_stream("a private answer"),
        ))
    };
    for (contents, keeps_good, keeps_failed) in [
        (KeptContents::All, true, true),
        (KeptContents::Errors, false, true),
        (KeptContents::None, false, false),
    ] {
        for (upstream, keeps) in [(good().await, keeps_good), (failing().await, keeps_failed)] {
            let endpoint = upstream.endpoint("up", DialectId::OpenaiChat);
            let kept = asked("up/own", Vec::new(), vec![endpoint], contents).await;
            let run = &kept.runs[0];
            let written = serde_json::to_string(run).unwrap();
            assert_eq!(written.contains("private"), keeps, "{contents}: {written}");
            let capture = &kept.captures[0];
            assert_eq!(matches!(capture, KeptCapture::Kept(_)), keeps, "{contents}");
            assert!(keeps || *capture == KeptCapture::Never, "{contents}");
            assert!(run.stamps.closed.is_some() && run.stamps.headers.is_some());
        }
    }
}

#[tokio::test]
async fn each_attempt_is_a_run_of_its_own() {
    let failing = Upstream::saying(whole("503 Service Unavailable", "", "{}")).await;
    let good = Upstream::saying(ok("text/event-stream", "", &chat_stream("yes"))).await;
    let endpoints = vec![
        failing.endpoint("a", DialectId::OpenaiChat),
        good.endpoint("b", DialectId::Gemini),
        good.endpoint("c", DialectId::OpenaiChat),
    ];
    let route: RouteSettings = "m=a/x,b/y,c/z".parse().unwrap();
    let kept = asked("m", vec![route], endpoints, KeptContents::All).await;
    let mut runs: Vec<(u32, String, RunState)> = kept
        .runs
        .iter()
        .map(|run| (run.head.attempt, run.head.target.to_string(), run.state))
        .collect();
    runs.sort_by_key(|(attempt, ..)| *attempt);
    let expected = [
        (1, "a/x".to_owned(), RunState::Fault),
        // It answers in another protocol than it should.
        (2, "b/y".to_owned(), RunState::Fault),
        (3, "c/z".to_owned(), RunState::Ok),
    ];
    assert_eq!(runs, expected);
    let line = &kept.audit[0];
    assert_eq!(
        (line.attempts, line.target.as_str(), line.outcome.as_str()),
        (3, "c/z", "ok")
    );
    assert!(line.lost_ms.unwrap() > 0.0);
}

#[tokio::test]
async fn a_cap_of_dollars_wants_a_price_and_ends_at_it() {
    let counts = "data: {\"id\":\"c1\",\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":1000,\
                  \"completion_tokens\":500,\"total_tokens\":1500}}\n\ndata: [DONE]";
    let text = chat_stream("yes").replace("data: [DONE]", counts);
    let upstream = Upstream::saying(ok("text/event-stream", "", &text)).await;
    let audit: Arc<Mutex<Vec<AuditRecord>>> = Arc::default();
    let capped = "[gateway.route.m]\ntargets = \"up/own\"\nusd_per_day = 0.01\n";
    for (prices, statuses) in [
        ("", [403, 403, 403]),
        // 1,000 × $2 + 500 × $8 for a million each: $0.006 an answer.
        ("[price.own]\ninput = 2\noutput = 8\n", [200, 200, 429]),
    ] {
        let home = Home::new();
        home.write_settings(&format!("{capped}{prices}"));
        let settings = settings::load_in(&home.paths(), &Environment::default()).unwrap();
        let lines = Arc::clone(&audit);
        let endpoint = upstream.endpoint("up", DialectId::OpenaiChat);
        let mut options = options(settings.gateway.routes, vec![endpoint]);
        options.config.prices = settings.prices;
        options.audit = Some(Box::new(move |record| {
            lines.lock().unwrap().push(record.clone());
        }));
        let gateway = gateway::serve(options).await.unwrap();
        for status in statuses {
            let body = json!({ "model": "m", "stream": true });
            let client = reqwest_client().build().unwrap();
            let response = chat(&client, &gateway, &body).send().await.unwrap();
            assert_eq!(response.status(), status, "{prices}");
            let text = response.text().await.unwrap();
            if status == 403 {
                assert!(
                    text.contains("its price") && text.contains("up/own"),
                    "{text}"
                );
            }
            // Its cost counts once it is over.
            deadline::Deadline::of("the request's end").until(|| match gateway.in_flight() {
                0 => Ok(()),
                more => Err(more),
            });
        }
    }
    let costs: Vec<Option<f64>> = audit
        .lock()
        .unwrap()
        .iter()
        .map(|line| line.cost_usd)
        .collect();
    let answered = Some(0.006);
    assert_eq!(costs, [None, None, None, answered, answered, None]);
}
