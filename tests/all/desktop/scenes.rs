//! What the engine knows: the scenes that a window is tested over and drawn with.

mod answers;
mod benches;
mod compared;
mod courses;
mod facts;
mod gateway;
mod limits;
mod probes;
mod runs;
mod whole_answer;
mod wires;

pub use self::{
    answers::findings_of,
    benches::{SceneBench, bench_progress, benched},
    compared::{compared, comparing},
    courses::{buffered, live, long, stalled},
    facts::buffering_and_priced,
    gateway::{TOKEN, access, busy_gateway, chinese_gateway, long_names},
    limits::watched,
    probes::{planned, probing},
    runs::{now, runs},
    whole_answer::whole_answer,
    wires::{wire, wire_chinese, wire_error, wire_gone, wire_of},
};

use std::collections::BTreeMap;

use self::runs::fail;
use tokenscope::{
    compare::CompareState,
    conversation::ConversationSummary,
    dialect::DialectId,
    endpoint::{Auth, Endpoint},
    engine::{GatewayState, LoadedCapture, MonitorState},
    gateway::GatewayStatus,
    history::{Availability, ProbeGap, Storage},
    run::{Run, RunId},
    settings::{Appearance, Settings, SettingsProblem, ThemeChoice},
};

/// What the engine knows.
#[derive(Clone, Debug)]
pub struct Scene {
    pub settings: Settings,
    pub runs: Vec<Run>,
    pub gaps: Vec<ProbeGap>,
    pub availability: Vec<Availability>,
    pub conversations: Vec<ConversationSummary>,
    pub storage: Storage,
    pub problem: Option<SettingsProblem>,
    pub no_simulator: Option<String>,
    pub gateway: GatewayState,
    pub gateway_status: GatewayStatus,
    pub monitor: MonitorState,
    pub benches: Vec<SceneBench>,
    /// The comparisons of the history, the latest first.
    pub comparisons: Vec<CompareState>,
    /// The comparison that runs here.
    pub comparing: Option<CompareState>,
    /// What the history has of the wires of runs; of others it never kept any.
    pub wires: BTreeMap<RunId, LoadedCapture>,
}

fn endpoint(id: &str, label: &str, url: &str, simulated: bool) -> Endpoint {
    Endpoint {
        label: label.into(),
        route: if id == "gateway" {
            "via gateway".into()
        } else {
            "direct".into()
        },
        auth: if simulated || id == "ollama" {
            Auth::None
        } else {
            Auth::Bearer
        },
        key_env: vec![format!("{}_API_KEY", id.to_uppercase())],
        headers: [("X-Team".to_owned(), "latency".to_owned())].into(),
        models: vec!["steady".into(), "fast".into()],
        simulated,
        ..Endpoint::custom(id, url.parse().expect("a URL"), DialectId::OpenaiChat)
    }
}

fn settings() -> Settings {
    Settings {
        endpoints: vec![
            endpoint("openai", "OpenAI", "https://api.openai.com/v1", false),
            endpoint("deepseek", "DeepSeek", "https://api.deepseek.com/v1", false),
            endpoint(
                "gateway",
                "Company gateway",
                "https://llm.example.com:8443/v1",
                false,
            ),
            endpoint("ollama", "Ollama", "http://127.0.0.1:11434/v1", false),
            endpoint("simulator", "Simulator", "http://127.0.0.1:40123/v1", true),
        ],
        built_in: vec!["simulator".into(), "openai".into()],
        appearance: Appearance {
            theme: ThemeChoice::Dark,
            zoom: 1.0,
            ..Appearance::default()
        },
        ..Settings::default()
    }
}

/// Nothing has happened yet.
pub fn empty() -> Scene {
    Scene {
        settings: Settings {
            endpoints: vec![endpoint(
                "simulator",
                "Simulator",
                "http://127.0.0.1:40123/v1",
                true,
            )],
            built_in: vec!["simulator".into()],
            ..settings()
        },
        runs: Vec::new(),
        gaps: Vec::new(),
        availability: Vec::new(),
        conversations: Vec::new(),
        storage: Storage::Ok,
        problem: None,
        no_simulator: None,
        gateway: GatewayState::Off,
        gateway_status: GatewayStatus::default(),
        monitor: MonitorState::Off,
        benches: Vec::new(),
        comparisons: Vec::new(),
        comparing: None,
        wires: BTreeMap::new(),
    }
}

/// A working day.
pub fn filled() -> Scene {
    Scene {
        settings: settings(),
        runs: runs(
            320,
            "Explain what a hash map is to a ten-year-old, in three sentences",
        ),
        ..empty()
    }
}

/// A week of many runs.
#[cfg(feature = "pictures")]
pub fn week() -> Scene {
    let mut runs = runs(6_000, "What time is it?");
    for (ago, run) in (1_i64..).zip(runs.iter_mut().rev()) {
        run.stamps.started_unix_ns = now() - ago * 100_000_000_000;
    }
    Scene {
        settings: settings(),
        runs,
        ..empty()
    }
}

/// A working day with the gateway on, which has not been asked yet.
pub fn gateway_on() -> Scene {
    let mut scene = Scene {
        gateway: access(),
        ..filled()
    };
    let url = "http://127.0.0.1:8081/v1";
    let own = Endpoint {
        route: "via gateway".into(),
        ..endpoint("this-gateway", "Gateway (this app)", url, false)
    };
    scene.settings = scene.settings.with_gateway(&[own]);
    scene
}

/// The gateway is about to be on.
#[cfg(feature = "pictures")]
pub fn gateway_starting() -> Scene {
    Scene {
        gateway: GatewayState::Starting,
        ..filled()
    }
}

/// Eleven targets, and an hour of which a part had no runs.
pub fn many_targets() -> Scene {
    let mut scene = filled();
    let (now, minute) = (now(), 60_000_000_000);
    scene.runs.retain(|run| {
        let ago = (now - run.stamps.started_unix_ns) / minute;
        !(20..35).contains(&ago)
    });
    for (index, run) in scene.runs.iter_mut().enumerate() {
        if run.head.target.endpoint == "openai" {
            run.head.target.model = format!("模型-{}", index / 4 % 7);
        }
    }
    scene
}

/// One target answers more slowly since the middle of its runs, and some of them were read late.
pub fn changed() -> Scene {
    let mut scene = filled();
    let mut times: Vec<i64> = (scene.runs.iter())
        .map(|run| run.stamps.started_unix_ns)
        .collect();
    times.sort_unstable();
    let middle = times[times.len() / 2];
    for (index, run) in scene.runs.iter_mut().enumerate() {
        let stamps = &mut run.stamps;
        if run.head.target.endpoint == "openai" && stamps.started_unix_ns >= middle {
            stamps.first_token = stamps.first_token.map(|at| at * 8 / 5);
        }
        if index % 40 == 0 {
            let half = stamps.first_token.unwrap_or_default() / 2;
            stamps.first_token_delay = u32::try_from(half).ok();
        }
    }
    scene
}

/// Everything is wrong.
pub fn errors() -> Scene {
    let mut scene = filled();
    for (index, run) in scene.runs.iter_mut().enumerate() {
        if index % 2 == 0 {
            fail(run, index);
        }
    }
    scene.storage = Storage::ReadOnly {
        why: "the file was written by Tokenscope 0.9; update this one to add to it".into(),
    };
    scene.problem = Some(SettingsProblem {
        path: "/home/ada/.config/tokenscope/config.toml".into(),
        line: Some(12),
        message: "expected a quoted string after base_url".into(),
    });
    scene.gateway = GatewayState::Failed(
        "it can’t listen on 127.0.0.1:8081: Address already in use (os error 98). If another gateway runs there, stop \
         it, or set another “listen” under [gateway] in the settings"
            .into(),
    );
    scene.no_simulator = Some("port 0 on 127.0.0.1 could not be had: Permission denied".into());
    scene
}

/// A user who writes Chinese.
pub fn chinese() -> Scene {
    let mut scene = Scene {
        runs: runs(
            120,
            "用三句话向十岁的孩子解释什么是哈希表，并举一个生活中的例子。",
        ),
        ..filled()
    };
    scene.settings.endpoints[2].label = "公司网关".into();
    for run in &mut scene.runs {
        run.answer.text = "哈希表就像一排带编号的储物柜。你把钥匙上的名字变成一个号码，就能直接走到那个柜子，而不用一个一个地找。\n\n比如图书馆按书号放书，查一下号码就能找到。".into();
    }
    scene
}

/// Runs whose answers hold everything.
#[cfg(feature = "pictures")]
pub fn parts() -> Scene {
    let mut scene = filled();
    for run in &mut scene.runs {
        run.answer = tokenscope::event::Answer::default();
        for event in whole_answer(false) {
            run.answer.apply(&event);
        }
        run.answer.model = Some(run.head.target.model.clone());
    }
    scene
}
