//! Tells people of alerts: by a notification of the desktop, a webhook, a program.
//!
//! In: the settings, and probes and checks that are over. Out: what a rule asks for, and [`MonitorNews`] for whoever
//! watches. What fails is told, and stops nothing. Which rules fire is in the history, so that the next process that
//! probes goes on from there.

use std::{process::Stdio, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderValue, Method, header};
use jiff::tz::TimeZone;
use tokio::{io::AsyncWriteExt as _, process::Command, time::timeout};
use url::Url;

use super::{MonitorNews, Outbox, Update, notification};
use crate::{
    alert::{AlertNews, AlertSample, AlertTrial, AlertWatch, past_samples, trial, webhook_body},
    clock::wall_clock_ns,
    endpoint::{
        TargetId,
        variables::{self, Environment},
    },
    exchange::whole,
    history::{EndpointCheck, FiringAlert, History, HistoryError},
    run::Run,
    settings::{Settings, alert::AlertSettings},
    transport::{ConnectOptions, HttpCall, Transport, Upload},
};

/// How long a webhook or a program may take.
const LIMIT: Duration = Duration::from_secs(15);
const MINUTE_NS: i64 = 60_000_000_000;

/// Follows the rules of the settings, and tells people.
pub(super) struct AlertTask {
    out: Outbox,
    settings: Arc<Settings>,
    watch: AlertWatch,
    history: Option<History>,
    /// What the history has of the rules that fire; `None` while this process does not keep that.
    kept: Option<Vec<FiringAlert>>,
}

impl AlertTask {
    pub(super) fn new(out: Outbox, history: Option<History>) -> Self {
        Self {
            out,
            settings: Arc::default(),
            watch: AlertWatch::default(),
            history,
            kept: None,
        }
    }

    pub(super) fn settings_are(&mut self, settings: &Arc<Settings>) {
        self.settings = Arc::clone(settings);
        self.change(|watch| watch.follow(&settings.alerts));
    }

    /// These targets are probed from now on, and no others.
    pub(super) fn targets_are(&mut self, targets: &[TargetId]) {
        self.change(|watch| watch.follow_targets(targets.iter().cloned()));
    }

    /// Goes on where the process ended that probed before: rules that fired then still do, and nobody is told again.
    pub(super) async fn restore(&mut self) {
        let Some(history) = self.history.clone() else {
            return;
        };
        let Settings {
            alerts, measuring, ..
        } = &*self.settings;
        let now = wall_clock_ns();
        let longest = alerts.iter().map(|rule| rule.over_minutes).max();
        let since = now.saturating_sub(i64::from(longest.unwrap_or(0)) * MINUTE_NS);
        let read = async {
            let firing = history.firing_alerts().await?;
            let past = past_samples(&history, alerts, since, measuring.late_share).await?;
            Ok::<_, HistoryError>((firing, past))
        };
        match read.await {
            Ok((firing, past)) => {
                let news = (self.watch).restore(&firing, &past, now, minute_of_day(now));
                self.kept = Some(firing);
                self.out
                    .send(Update::Monitor(MonitorNews::Firing(self.watch.told())));
                self.tell_all(news);
            }
            Err(why) => tracing::warn!("which alerts fired before is not known: {why}"),
        }
    }

    /// Another process may probe from now on, and keep which rules fire.
    pub(super) fn leave(&mut self) {
        self.kept = None;
    }

    /// Takes a probe that is over.
    pub(super) fn take(&mut self, run: &Run) {
        for sample in AlertSample::of(run, self.settings.measuring.late_share) {
            self.push(&sample);
        }
    }

    /// Takes a check of an endpoint.
    pub(super) fn take_check(&mut self, check: &EndpointCheck) {
        for sample in AlertSample::of_check(check) {
            self.push(&sample);
        }
    }

    fn push(&mut self, sample: &AlertSample) {
        let news = self.watch.push(sample, minute_of_day(sample.at_unix_ns));
        self.tell_all(news);
    }

    fn tell_all(&mut self, all: Vec<AlertNews>) {
        self.keep();
        for news in all {
            self.out
                .send(Update::Monitor(MonitorNews::Alert(news.clone())));
            let mut rules = self.settings.alerts.iter();
            if let Some(rule) = rules.find(|rule| rule.name == news.rule) {
                tokio::spawn(tell(rule.clone(), news, self.out.clone()));
            }
        }
    }

    /// Changes what is followed, and tells what fires then, if fewer rules do than before.
    fn change(&mut self, change: impl FnOnce(&mut AlertWatch)) {
        let before = self.watch.told();
        change(&mut self.watch);
        let told = self.watch.told();
        if told != before {
            self.out.send(Update::Monitor(MonitorNews::Firing(told)));
        }
        self.keep();
    }

    /// Stores which rules fire, if others do than is stored.
    fn keep(&mut self) {
        let (Some(history), Some(kept)) = (&self.history, &mut self.kept) else {
            return;
        };
        let firing = self.watch.firing();
        if !is_same(kept, &firing) {
            history.put_firing_alerts(firing.clone());
            *kept = firing;
        }
    }
}

/// Whether the same rules fire, whatever their figures' values are.
fn is_same(some: &[FiringAlert], others: &[FiringAlert]) -> bool {
    fn key(alert: &FiringAlert) -> (&str, &str, &TargetId, i64, bool) {
        let FiringAlert {
            rule,
            judgement,
            target,
            since_unix_ns,
            is_told,
            ..
        } = alert;
        (rule, judgement, target, *since_unix_ns, *is_told)
    }
    some.len() == others.len()
        && (some.iter().zip(others)).all(|(one, other)| key(one) == key(other))
}

/// How a rule would have done on the past.
pub(super) async fn tried(
    history: &History,
    rule: AlertSettings,
    since_unix_ns: i64,
    late_share: f64,
) -> Result<AlertTrial, String> {
    let rules = std::slice::from_ref(&rule);
    let samples = past_samples(history, rules, since_unix_ns, late_share).await;
    let samples = samples.map_err(|why| why.to_string())?;
    // It may take seconds over months of checks.
    let tried = tokio::task::spawn_blocking(move || trial(&rule, &samples)).await;
    tried.map_err(|why| why.to_string())
}

/// The minute of the local day at a time, in nanoseconds since 1970.
fn minute_of_day(unix_ns: i64) -> u32 {
    let at = jiff::Timestamp::from_nanosecond(unix_ns.into()).unwrap_or_default();
    let local = at.to_zoned(TimeZone::system()).time();
    let [hour, minute] = [local.hour(), local.minute()].map(|part| u32::from(part.unsigned_abs()));
    hour * 60 + minute
}

/// Tells all that the rule names, and says what failed.
async fn tell(rule: AlertSettings, news: AlertNews, out: Outbox) {
    let ways = tokio::join!(
        notified(&rule, &news),
        posted(&rule, &news),
        run(&rule, &news)
    );
    for (way, told) in [
        ("notification", ways.0),
        ("webhook", ways.1),
        ("command", ways.2),
    ] {
        if let Err(why) = told {
            let why = format!("the {way} of alert {} failed: {why}", rule.name);
            out.send(Update::Monitor(MonitorNews::AlertProblem(why)));
        }
    }
}

async fn notified(rule: &AlertSettings, news: &AlertNews) -> Result<(), String> {
    if !rule.notify {
        return Ok(());
    }
    let title = if news.fires {
        "Tokenscope: alert"
    } else {
        "Tokenscope: alert is over"
    };
    notification::show(title, &news.to_string()).await
}

async fn posted(rule: &AlertSettings, news: &AlertNews) -> Result<(), String> {
    let Some(address) = &rule.webhook else {
        return Ok(());
    };
    let address = variables::expand(address, &Environment::of_process());
    let address = address.map_err(|why| why.to_string())?;
    // The path of such a URL is its secret: it stands in no message.
    let url = Url::parse(&address).map_err(|why| format!("its URL can't be read: {why}"))?;
    let host = url.host_str().unwrap_or_default().to_owned();
    let mut body = Upload::default();
    body.push(webhook_body(news, rule.form).to_string());
    let json = HeaderValue::from_static("application/json");
    let call = HttpCall {
        method: Method::POST,
        url,
        headers: HeaderMap::from_iter([(header::CONTENT_TYPE, json)]),
        body,
        connect: ConnectOptions::default(),
        proxy_password: None,
        cold: false,
        as_is: false,
    };
    let sent = timeout(LIMIT, whole(&Transport::default(), call)).await;
    match sent.map_err(|_| in_vain())? {
        Ok((status, ..)) if (200..300).contains(&status) => Ok(()),
        Ok((status, ..)) => Err(format!("{host} answered with status {status}")),
        Err(fault) => Err(format!("{host}: {} in phase {}", fault.class, fault.phase)),
    }
}

async fn run(rule: &AlertSettings, news: &AlertNews) -> Result<(), String> {
    let [program, arguments @ ..] = rule.command.as_slice() else {
        return Ok(());
    };
    let mut command = Command::new(program);
    command.args(arguments).kill_on_drop(true);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command.spawn().map_err(|why| format!("{program}: {why}"))?;
    let input = webhook_body(news, crate::settings::alert::WebhookForm::Json).to_string();
    let ended = async {
        if let Some(mut stdin) = child.stdin.take() {
            // It need not read it.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        child.wait().await
    };
    match timeout(LIMIT, ended).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(format!("{program}: {status}")),
        Ok(Err(why)) => Err(format!("{program}: {why}")),
        Err(_) => Err(in_vain()),
    }
}

fn in_vain() -> String {
    format!("it took more than {} seconds", LIMIT.as_secs())
}
