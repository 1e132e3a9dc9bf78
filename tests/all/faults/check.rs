//! Does a row: each of its cases in each dialect and over each protocol that it applies to, cold and warm. A run
//! beside it, on the same connections, must not notice.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures_util::{FutureExt as _, StreamExt as _, stream};
use tokenscope::{
    chat::ChatRequest,
    dialect::DIALECTS,
    event::Phase,
    history::History,
    run::{ConnectionKind, Origin, Run, RunHead, RunId, RunSpec, RunState, RunUpdate, execute},
    transport::Transport,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    Ends,
    place::{PROXY_PASSWORD, Place, Put, endpoint},
    rows::{Case, Stop, table},
    script::{Act, Over, Script, head},
    seen::Seen,
    voice::Voice,
};
use crate::{
    canary::{assert_no_canary, assert_no_canary_in},
    deadline::soon,
    toy::CANARY,
};

/// How many runs are under way at once.
const AT_ONCE: usize = 8;

/// One way to do a case.
#[derive(Clone, Copy)]
struct Way {
    voice: Voice,
    over: Over,
    warm: bool,
}

/// Does all cases of a row, and looks at what is kept of them.
pub async fn row(number: u8) {
    let row = table()
        .into_iter()
        .find(|row| row.number == number)
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    let mut runs = Vec::new();
    let mut failed = 0;
    for case in &row.cases {
        // All ways are gone, so that one look tells which of them fail.
        let done: Vec<Option<Run>> = stream::iter(ways(case))
            .map(|way| {
                AssertUnwindSafe(do_case(case, way))
                    .catch_unwind()
                    .map(Result::ok)
            })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        assert!(!done.is_empty(), "{} applies to nothing", case.does);
        failed += done.iter().filter(|run| run.is_none()).count();
        runs.extend(done.into_iter().flatten());
    }
    assert_eq!(failed, 0, "of {} runs", failed + runs.len());
    for run in &runs {
        history.finish(run.clone());
    }
    history.flush().await;
    for mut run in runs {
        let kept = history.run(run.head.id).await.unwrap().expect("it is kept");
        // Of a URL, the names in its query are kept, and not what may be a key.
        run.head.url.clone_from(&kept.head.url);
        assert_eq!(kept, run, "what is kept of it");
    }
    history.end().await.unwrap();
    assert_no_canary(&[folder.path()], CANARY);
    assert_no_canary(&[folder.path()], PROXY_PASSWORD);
}

fn ways(case: &Case) -> Vec<Way> {
    let voices = DIALECTS.iter().map(|dialect| Voice { dialect });
    let mut ways = Vec::new();
    for voice in voices.filter(|voice| (case.voices)(*voice)) {
        if voice.is_grpc() && !cfg!(feature = "grpc") {
            continue;
        }
        for &over in case.over {
            if over == Over::Http1 && voice.is_grpc() {
                continue;
            }
            let warmths = if case.warm {
                &[false, true][..]
            } else {
                &[false]
            };
            ways.extend(warmths.iter().map(|&warm| Way { voice, over, warm }));
        }
    }
    ways
}

/// A request at an endpoint, with the canary as its key.
fn spec(put: &Put) -> RunSpec {
    let request = Arc::new(ChatRequest::of_text("a-model", "hello"));
    RunSpec {
        head: RunHead::new(RunId::new(), &put.endpoint, request, Origin::Test),
        endpoint: Arc::new(put.endpoint.clone()),
        key: Some(CANARY.into()),
        proxy_password: None,
        no_key_reason: None,
        cold: false,
    }
}

async fn do_case(case: &Case, way: Way) -> Run {
    let Way { voice, over, warm } = way;
    let name = format!(
        "{}, {} over {over:?}, warm: {warm}",
        case.does,
        voice.name()
    );
    let (tell, client) = watch::channel((false, 0));
    let seen = Arc::new(Seen::default());
    let script = Script {
        voice,
        over,
        warm,
        acts: Arc::new((case.acts)(voice)),
        client: client.clone(),
        seen: Arc::clone(&seen),
    };
    let put = case.place.put_up(script, case.limits).await;
    let transport = Transport::default();
    if warm {
        let run = executed(&transport, &put).await;
        assert_eq!(run.state, RunState::Ok, "{name}: {:?}", run.answer.fault);
    }
    let cancel = CancellationToken::new();
    let spec = spec(&put);
    let head = spec.head.clone();
    let mut updates = Vec::new();
    let mut emit = |update: RunUpdate| {
        let is_head = matches!(update, RunUpdate::Head { .. });
        let has_bytes = matches!(update, RunUpdate::Read { .. });
        if is_head && case.stop == Some(Stop::AtHead)
            || has_bytes && case.stop == Some(Stop::AtText)
        {
            cancel.cancel();
        }
        tell.send_modify(|(head, reads)| {
            *head |= is_head;
            *reads += usize::from(has_bytes);
        });
        updates.push(update);
    };
    let going = execute(&transport, spec, cancel.clone(), &mut emit);
    let stopping = async {
        if case.stop == Some(Stop::WhenAsked) {
            soon("the request", seen.asked.notified()).await;
            cancel.cancel();
        }
    };
    let (run, (), ()) = tokio::join!(
        soon("the run's end", going),
        stopping,
        another_is_not_disturbed(&transport, voice, &name)
    );
    // The client has left: nobody waits for it any more.
    drop(tell);
    let mut folded = Run::new(head);
    for update in &updates {
        folded.apply(update).unwrap();
    }
    assert_eq!(folded, run, "{name}: the record is the fold of the updates");
    assert_outcome(case, &run, &name);
    assert_way(case, way, &put, &seen, &run, &name).await;
    run
}

async fn executed(transport: &Transport, put: &Put) -> Run {
    let mut emit = |_| {};
    let run = execute(transport, spec(put), CancellationToken::new(), &mut emit);
    soon("a run's end", run).await
}

/// A run on the same connections, to a server that is well.
async fn another_is_not_disturbed(transport: &Transport, voice: Voice, name: &str) {
    let (_tell, client) = watch::channel((false, 0));
    let over = if voice.is_grpc() {
        Over::Http2
    } else {
        Over::Http1
    };
    let script = Script {
        voice,
        over,
        warm: false,
        acts: Arc::new(vec![
            head(voice),
            Act::Body(voice.answer(&["well"])),
            Act::EndBody,
        ]),
        client,
        seen: Arc::default(),
    };
    let put = Place::Here
        .put_up(script, crate::toy::limits(0, 0, 0, 60_000))
        .await;
    let run = executed(transport, &put).await;
    let told = (run.state, run.answer.text.as_str());
    assert_eq!(
        told,
        (RunState::Ok, "well"),
        "beside {name}: {:?}",
        run.answer.fault
    );
}

fn assert_outcome(case: &Case, run: &Run, name: &str) {
    let answer = &run.answer;
    match (&case.ends, &answer.fault) {
        (Ends::Well, None) => assert_eq!(run.state, RunState::Ok, "{name}"),
        (Ends::Fault(class, phase, says), Some(fault)) => {
            assert_eq!(run.state, RunState::Fault, "{name}");
            assert_eq!(
                (fault.class, fault.phase),
                (*class, *phase),
                "{name}: {fault:?}"
            );
            let fits = says.iter().any(|pattern| fits(pattern, &fault.message));
            assert!(fits, "{name}: {fault:?}");
            assert_eq!(
                fault.retry_after_ms, case.retry_after_ms,
                "{name}: {fault:?}"
            );
            if let Some(status) = case.status {
                assert_eq!(fault.status, Some(status), "{name}");
            }
        }
        (_, fault) => panic!("{name}: {fault:?}, {:?}", answer.text),
    }
    match case.kept.strip_suffix('…') {
        Some(begin) => assert!(answer.text.starts_with(begin), "{name}: {:?}", answer.text),
        None => assert_eq!(answer.text, case.kept, "{name}"),
    }
    if let Some(note) = case.note {
        let notes = answer.notes.iter().map(|(said, _)| &said.text);
        let mut notes = notes.chain(answer.unknown.iter().map(|(kind, _)| kind));
        assert!(
            notes.any(|said| said.contains(note)),
            "{name}: {:?}",
            answer.notes
        );
    }
    for secret in [CANARY, PROXY_PASSWORD, "hunter22"] {
        assert_no_canary_in(format!("{run:?}").as_bytes(), secret, name);
    }
}

/// How the run went: over which connection, within its limits, and with how much of what the server had.
async fn assert_way(case: &Case, way: Way, put: &Put, seen: &Seen, run: &Run, name: &str) {
    if put.server.is_some() {
        soon("the server's last act", seen.over.notified()).await;
        let asked = 1 + usize::from(way.warm);
        assert_eq!(seen.requests(), asked, "{name}: a request is sent once");
    }
    if let (Some(server), Over::Http1 | Over::Http2) = (&put.server, way.over) {
        assert_eq!(server.accepted(), 1, "{name}: on one connection");
    }
    if matches!(case.place, Place::Https | Place::Proxy(_, "https")) {
        assert!(!seen.came().contains(CANARY), "{name}: the key was sent");
    }
    let mib = seen.taken() >> 20;
    assert!(mib <= case.most_mib, "{name}: {mib} MiB were taken");
    let connection = run.connection;
    let expected = if way.warm {
        ConnectionKind::Warm
    } else {
        ConnectionKind::Cold
    };
    assert!(
        connection.is_none_or(|kind| kind == expected),
        "{name}: {connection:?}"
    );
    let has_head = run.stamps.headers.is_some();
    assert_eq!(has_head, connection.is_some(), "{name}");
    let Ends::Fault(_, phase, _) = &case.ends else {
        return;
    };
    let stamps = &run.stamps;
    assert_eq!(
        stamps.first_token.is_some(),
        *phase == Phase::Stream,
        "{name}: {stamps:?}"
    );
    assert!(has_head || *phase <= Phase::Headers, "{name}: {stamps:?}");
    if *phase == Phase::Tls {
        assert!(
            stamps.tcp.is_some() && stamps.tls.is_none(),
            "{name}: {stamps:?}"
        );
    }
}

/// Whether a message fits a pattern, in which `{…}` stands for any text that is not empty.
fn fits(pattern: &str, message: &str) -> bool {
    let Some((before, rest)) = pattern.split_once('{') else {
        return pattern == message;
    };
    let (_, pattern) = rest.split_once('}').expect("a closing brace");
    let Some(message) = message.strip_prefix(before) else {
        return false;
    };
    let ends = message.char_indices().map(|(at, c)| at + c.len_utf8());
    ends.into_iter().any(|at| fits(pattern, &message[at..]))
}

#[test]
fn a_pattern_fits_a_message_as_a_whole() {
    assert!(fits("a {what} b", "a long word b"));
    assert!(fits("{what} ({why})", "it failed (so it is)"));
    for (pattern, message) in [
        ("a {what} b", "a  b"),
        ("a {what} b", "a c b d"),
        ("a", "a b"),
        ("{what} b", " b"),
    ] {
        assert!(!fits(pattern, message), "{pattern:?} {message:?}");
    }
}

/// A provider may say no more than “404”: which model was asked for, and where, stands in the record.
#[tokio::test]
async fn the_record_names_model_and_url() {
    for dialect in DIALECTS {
        let put = endpoint(Voice { dialect }, "http://127.0.0.1:1/");
        let request = Arc::new(ChatRequest::of_text("a-model", "hello"));
        let head = RunHead::new(RunId::new(), &put, request, Origin::Test);
        assert_eq!(head.target.model, "a-model", "{}", dialect.id);
        assert!(head.url.starts_with("http://127.0.0.1:1/"), "{}", head.url);
    }
}
