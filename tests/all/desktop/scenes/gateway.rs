//! What the desktop's gateway is doing, made up.

use std::{sync::Arc, time::Duration};

use tokenscope::{
    dialect::DialectId,
    endpoint::TargetId,
    engine::{GatewayAccess, GatewayState},
    gateway::{
        AuditRecord, FinishedRequest, GatewayStatus, LiveRequest, RouteCounts, RouteStatus,
        TargetState, TargetStatus, TtftsOfLate,
    },
    run::RunId,
    settings::gateway::RouteStrategy,
};

use super::{Scene, filled, gateway_on, now};

/// What its clients give as their API key.
pub const TOKEN: &str = "ts-0123456789abcdef0123456789abcdef0123456789abcdef";

/// The gateway is on.
pub fn access() -> GatewayState {
    let base_urls = [
        (DialectId::OpenaiChat, "http://127.0.0.1:8081/v1"),
        (DialectId::OpenaiResponses, "http://127.0.0.1:8081/v1"),
        (DialectId::Anthropic, "http://127.0.0.1:8081/"),
        (DialectId::Gemini, "http://127.0.0.1:8081/"),
        (DialectId::Ollama, "http://127.0.0.1:8081/"),
    ];
    GatewayState::On(Arc::new(GatewayAccess {
        address: "127.0.0.1:8081".parse().unwrap(),
        base_urls: base_urls
            .map(|(dialect, url)| (dialect, url.parse().unwrap()))
            .into(),
        token: TOKEN.into(),
        token_not_kept: None,
        models: vec!["gpt-5-mini".into(), "gemini-3-pro-preview".into()],
        problem: None,
    }))
}

fn target(text: &str) -> TargetId {
    text.parse().unwrap()
}

fn live(number: u64, model: &str, to: &str, is_answering: bool) -> LiveRequest {
    let age = Duration::from_millis(if is_answering { 4_200 } else { 1_300 });
    LiveRequest {
        number,
        at_unix_ns: now() - i64::try_from(age.as_nanos()).unwrap(),
        // Long ago, so that a picture is the same each time but for its last digits.
        received: std::time::Instant::now().checked_sub(age).unwrap(),
        key: "laptop".into(),
        model: model.into(),
        route: model.into(),
        target: Some(target(to)),
        attempts: 1,
        is_answering,
        ttft: is_answering.then(|| Duration::from_millis(412)),
        run: Some(RunId(1)),
    }
}

fn over(number: u64, run: RunId, (model, to): (&str, &str)) -> FinishedRequest {
    let outcome = match number % 9 {
        4 => "overloaded",
        7 => "cancelled",
        _ => "ok",
    };
    let is_ok = outcome == "ok";
    let ms = |ms: f64| is_ok.then_some(ms);
    #[expect(clippy::cast_precision_loss)]
    let wobble = (number * 37 % 100) as f64;
    FinishedRequest {
        number,
        at_unix_ns: now() - 1_000_000_000 * i64::try_from(400 - number.min(399)).unwrap(),
        record: Arc::new(AuditRecord {
            key: if number.is_multiple_of(3) {
                "ci"
            } else {
                "laptop"
            }
            .into(),
            request: "POST /v1/chat/completions".into(),
            model: model.into(),
            route: model.into(),
            target: to.into(),
            status: 200,
            outcome: outcome.into(),
            attempts: if number % 9 == 4 { 3 } else { 1 },
            ttft_ms: ms(380.0 + 4.0 * wobble),
            added_ms: ms(0.21 + 0.01 * wobble),
            input_tokens: is_ok.then_some(1_204 + number),
            output_tokens: is_ok.then_some(210 + 3 * number),
            cost_usd: (is_ok && model != "gemini-3-pro-preview")
                .then_some(0.0012 + 0.000_1 * wobble),
            total_ms: 1_900.0 + 31.0 * wobble,
            ..AuditRecord::default()
        }),
        run: Some(run),
    }
}

fn at(to: &str, state: TargetState, count: usize) -> TargetStatus {
    let paused = matches!(state, TargetState::Paused(_));
    TargetStatus {
        target: target(to),
        is_there: true,
        state,
        paused_until_unix_ns: paused.then(|| now() + 42_000_000_000),
        ttfts: TtftsOfLate {
            count,
            median: (count >= 5).then(|| Duration::from_millis(431)),
            p95: (count >= 20).then(|| Duration::from_millis(1_240)),
        },
    }
}

fn route(name: &str, strategy: Option<RouteStrategy>, targets: Vec<TargetStatus>) -> RouteStatus {
    let requests = if strategy.is_some() { 1_412 } else { 3 };
    RouteStatus {
        name: name.into(),
        strategy,
        counts: RouteCounts {
            requests,
            failed: requests / 400,
            attempts: requests + 40,
            retries: requests / 100,
            hedges: requests / 50,
            hedges_won: requests / 80,
            priced: requests / 3 * u64::from(requests > 3),
            cost_usd: 4.1832,
        },
        targets,
    }
}

fn status(names: &[(&str, &str)], runs: &[RunId]) -> GatewayStatus {
    let later = std::time::Instant::now() + Duration::from_secs(42);
    let pair = |number: u64| names[usize::try_from(number).unwrap() % names.len()];
    let run = |number: u64| runs[usize::try_from(number).unwrap() % runs.len()];
    let is_live = |number| {
        let (model, to) = pair(number);
        live(number, model, to, number % 2 == 1)
    };
    let mut routes: Vec<RouteStatus> = Vec::new();
    let strategies = [RouteStrategy::Fastest, RouteStrategy::FirstHealthy];
    for (place, (model, to)) in names.iter().enumerate() {
        let mut targets = vec![at(to, TargetState::Ready, 212)];
        if place == 0 {
            targets.push(at(
                "openrouter/openai/gpt-5-mini",
                TargetState::Paused(later),
                12,
            ));
            targets.push(at("deepseek/deepseek-chat", TargetState::Trial, 2));
        }
        let strategy = strategies.get(place).copied();
        routes.push(route(model, strategy, targets));
    }
    let mut lost = at("nowhere/model", TargetState::Ready, 0);
    lost.is_there = false;
    routes.push(route("claude-*", Some(RouteStrategy::Weighted), vec![lost]));
    GatewayStatus {
        live: [303, 302, 301].map(is_live).into(),
        recent: (101..=300)
            .rev()
            .map(|n| over(n, run(n), pair(n)))
            .collect(),
        routes,
    }
}

fn with_status(scene: Scene, names: &[(&str, &str)]) -> Scene {
    let runs: Vec<RunId> = scene.runs.iter().rev().map(|run| run.head.id).collect();
    Scene {
        gateway_status: status(names, &runs),
        gateway: access(),
        ..scene
    }
}

/// The gateway has much to do.
pub fn busy_gateway() -> Scene {
    let names = [
        ("gpt-5-mini", "openai/gpt-5-mini"),
        ("gemini-3-pro-preview", "simulator-gemini/steady"),
        ("ollama/gemma3:270m", "ollama/gemma3:270m"),
    ];
    with_status(gateway_on(), &names)
}

/// Everything has a long name.
pub fn long_names() -> Scene {
    let model = "an-organisation/a-model-with-a-very-long-name-that-goes-on-and-on-instruct-2026-11-30-preview-q4_K_M";
    let to = format!("company-gateway-in-frankfurt/{model}");
    let mut scene = with_status(gateway_on(), &[(model, &to), (&to, &to)]);
    for finished in &mut scene.gateway_status.recent {
        let record = Arc::make_mut(&mut finished.record);
        record.key = "continuous-integration-of-the-whole-organisation".into();
        record.total_ms = 125_000.0;
    }
    if let GatewayState::On(access) = &mut scene.gateway {
        let access = Arc::make_mut(access);
        access.models = vec![model.into(), to.clone()];
        access.token_not_kept =
            Some("no Secret Service runs in this session (org.freedesktop.secrets)".into());
        access.problem = Some("The settings were not taken over: a route leads to the endpoint “nowhere”, which is not there: add it, or change the route".into());
    }
    scene
}

/// A user who writes Chinese.
pub fn chinese_gateway() -> Scene {
    let names = [
        ("通义千问-3-最新", "公司网关/通义千问-3"),
        ("文心一言", "公司网关/文心一言-4"),
    ];
    let mut scene = with_status(filled(), &names);
    for finished in &mut scene.gateway_status.recent {
        Arc::make_mut(&mut finished.record).key = "笔记本".into();
    }
    scene
}
