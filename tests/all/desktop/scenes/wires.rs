//! Runs with what went over their wires: plain, Chinese, failed, long, gone.

use std::sync::Arc;

use tokenscope::{
    capture::{
        Capture, CapturedBody, CapturedRead, CapturedRequest, CapturedResponse, CapturedRun,
        DecodedCapture, Headers,
    },
    engine::{LoadedCapture, OpenedCapture},
    event::{Fault, FaultClass, Phase},
    run::Run,
};

use super::{Scene, filled, runs::ns};

fn headers(pairs: &[(&str, &str)]) -> Headers {
    let pairs = pairs.iter();
    Headers(
        pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    )
}

/// A chunk of a stream of Chat Completions, with these fields in its delta.
fn chunk(delta: &str) -> String {
    format!(
        "data: {{\"id\":\"chatcmpl-C7yT2b0m1\",\"object\":\"chat.completion.chunk\",\"model\":\"gpt-5-mini\",\
         \"choices\":[{{\"index\":0,\"delta\":{{{delta}}},\"finish_reason\":null}}]}}\n\n"
    )
}

fn text(text: &str) -> String {
    chunk(&format!("\"content\":{}", serde_json::json!(text)))
}

/// A whole stream: the role, these texts with a comment and an unknown part among them, counts, the end mark.
fn stream(texts: &[&str]) -> Vec<String> {
    let mut pieces = vec![chunk("\"role\":\"assistant\",\"content\":\"\"")];
    pieces.extend(texts.iter().map(|piece| text(piece)));
    pieces.insert(3, ": OPENROUTER PROCESSING\n\n".to_owned());
    let unknown = r#""content":[{"type":"hologram","voxels":[1,2,3]}]"#;
    pieces.insert(5, chunk(unknown));
    pieces.push(
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n".into(),
    );
    pieces.push("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":31,\"completion_tokens\":18,\"total_tokens\":49}}\n\n".into());
    pieces.push("data: [DONE]\n\n".into());
    pieces
}

/// The capture of a run whose response came in these pieces, 11 ms apart.
fn capture(run: &Run, status: u16, kind: &str, pieces: &[String]) -> Capture {
    let mut end = 0;
    let reads = pieces.iter().enumerate().map(|(index, piece)| {
        end += piece.len();
        CapturedRead {
            at: ns(640.0) + index as u64 * ns(11.0),
            delay: Some(60_000),
            is_at_most: false,
            end,
        }
    });
    let reads: Vec<CapturedRead> = reads.collect();
    let last = reads.last().map_or(ns(640.0), |read| read.at);
    let mut stamps = run.stamps.clone();
    stamps.headers = Some(ns(610.0));
    stamps.first_byte = reads.first().map(|read| read.at);
    stamps.first_event = stamps.first_byte;
    stamps.first_token = reads.get(1).map(|read| read.at);
    stamps.first_visible = stamps.first_token;
    stamps.last_token = Some(last);
    stamps.closed = Some(last + ns(3.0));
    let body = r#"{"model":"gpt-5-mini","stream":true,"messages":[{"role":"system","content":"You are terse."},{"role":"user","content":"Explain what a hash map is"}],"temperature":0.2}"#;
    Capture {
        run: CapturedRun {
            id: run.head.id,
            target: run.head.target.clone(),
            dialect: run.head.dialect,
            route: run.head.route.clone(),
            origin: run.head.origin,
            simulated: run.head.simulated,
            attempt: 1,
            choices: 1,
            connection: run.connection,
            stamps,
        },
        request: Some(CapturedRequest {
            method: "POST".into(),
            url: run.head.url.clone(),
            headers: headers(&[
                ("host", "api.example.com"),
                ("authorization", "Bearer •••"),
                ("content-type", "application/json"),
                ("x-team", "latency"),
            ]),
            body: CapturedBody::whole(body),
        }),
        response: Some(CapturedResponse {
            status,
            http_version: "HTTP/2.0".into(),
            headers: headers(&[
                ("content-type", kind),
                ("x-request-id", "req_7f3a"),
                ("set-cookie", "•••"),
            ]),
            body: CapturedBody::whole(pieces.concat()),
            reads,
            trailers: Headers::default(),
        }),
        fault: None,
    }
}

/// A file of this capture, as the engine opens it.
fn opened(name: &str, capture: Capture) -> OpenedCapture {
    OpenedCapture::of(name.to_owned(), capture).expect("updates that follow each other")
}

/// Gives the run in the first row this capture, and makes it the run that the capture tells.
fn with(mut scene: Scene, make: impl FnOnce(&Run) -> Capture) -> Scene {
    let run = scene.runs.last_mut().expect("a run");
    let capture = make(run);
    let told = opened("", capture.clone()).run;
    let request = Arc::clone(&run.head.request);
    *run = told;
    run.head.request = request;
    let kept = LoadedCapture::Kept(Arc::new(DecodedCapture::of(capture)));
    let id = run.head.id;
    scene.wires.insert(id, kept);
    scene
}

const ENGLISH: &[&str] = &[
    "A hash map ",
    "is like ",
    "a wall of ",
    "numbered ",
    "lockers. ",
    "You turn ",
    "the name ",
    "on your key ",
    "into a locker ",
    "number, ",
    "so you can ",
    "walk straight ",
    "to it.",
];

const CHINESE: &[&str] = &[
    "哈希表",
    "就像一排",
    "带编号的",
    "储物柜。",
    "你把钥匙上的",
    "名字变成",
    "一个号码，",
    "就能直接",
    "走到那个柜子。",
];

/// A stream with a comment, an unknown part and a locked header.
pub fn wire() -> Scene {
    with(filled(), |run| {
        capture(run, 200, "text/event-stream", &stream(ENGLISH))
    })
}

/// The same in Chinese.
pub fn wire_chinese() -> Scene {
    with(super::chinese(), |run| {
        capture(run, 200, "text/event-stream", &stream(CHINESE))
    })
}

/// A response that is an error.
pub fn wire_error() -> Scene {
    with(filled(), |run| {
        let body = r#"{"error":{"message":"Rate limit reached for gpt-5-mini on requests per min (RPM): Limit 500, Used 500. Please try again in 20s.","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#;
        let mut failed = capture(run, 429, "application/json", &[body.to_owned()]);
        let stamps = &mut failed.run.stamps;
        (stamps.first_event, stamps.last_token) = (None, None);
        failed.fault = Some(Fault {
            status: Some(429),
            code: Some("rate_limit_exceeded".into()),
            ..Fault::new(
                FaultClass::RateLimited,
                Phase::Headers,
                "Rate limit reached",
            )
        });
        failed
    })
}

/// A run whose capture was removed.
pub fn wire_gone() -> Scene {
    let mut scene = filled();
    let run = scene.runs.last().expect("a run").head.id;
    let why = tokenscope::history::KeptCapture::Removed(tokenscope::history::Removed::Age);
    let gone = LoadedCapture::Gone(why.why_gone().expect("a reason"));
    scene.wires.insert(run, gone);
    scene
}

/// A stream of so many frames, the end mark among them.
pub fn wire_of(frames: usize) -> Scene {
    with(filled(), |run| {
        let words = (2..frames).map(|n| text(&format!("word {n} ")));
        let end = [
            "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
            "data: [DONE]\n\n",
        ];
        let pieces: Vec<String> = words.chain(end.map(str::to_owned)).collect();
        capture(run, 200, "text/event-stream", &pieces)
    })
}
