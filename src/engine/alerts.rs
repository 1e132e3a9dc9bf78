//! Tells people of alerts: by a notification of the desktop, a webhook, a program.
//!
//! In: the settings, and probes that are over. Out: what a rule asks for, and [`MonitorNews`] for whoever watches. What
//! fails is told, and stops nothing.

use std::{process::Stdio, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderValue, Method, header};
use jiff::tz::TimeZone;
use notify_rust::Notification;
use tokio::{io::AsyncWriteExt as _, process::Command, time::timeout};
use url::Url;

use super::{MonitorNews, Outbox, Update};
use crate::{
    alert::{AlertNews, AlertSample, AlertWatch, webhook_body},
    endpoint::variables::{self, Environment},
    exchange::whole,
    run::Run,
    settings::{Settings, alert::AlertSettings},
    transport::{ConnectOptions, HttpCall, Transport, Upload},
};

/// How long a webhook or a program may take.
const LIMIT: Duration = Duration::from_secs(15);

/// Follows the rules of the settings, and tells people.
pub(super) struct AlertTask {
    out: Outbox,
    settings: Arc<Settings>,
    watch: AlertWatch,
}

impl AlertTask {
    pub(super) fn new(out: Outbox) -> Self {
        Self {
            out,
            settings: Arc::default(),
            watch: AlertWatch::default(),
        }
    }

    pub(super) fn settings_are(&mut self, settings: &Arc<Settings>) {
        self.settings = Arc::clone(settings);
        self.watch.follow(&settings.alerts);
    }

    /// Takes a probe that is over.
    pub(super) fn take(&mut self, run: &Run) {
        let late_share = self.settings.measuring.late_share;
        let Some(sample) = AlertSample::of(run, late_share) else {
            return;
        };
        for news in self.watch.push(&sample, minute_of_day(sample.at_unix_ns)) {
            self.out
                .send(Update::Monitor(MonitorNews::Alert(news.clone())));
            let rule = self
                .settings
                .alerts
                .iter()
                .find(|rule| rule.name == news.rule);
            if let Some(rule) = rule {
                tokio::spawn(tell(rule.clone(), news, self.out.clone()));
            }
        }
    }
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
    let mut notification = Notification::new();
    notification
        .appname("Tokenscope")
        .summary(title)
        .body(&news.to_string());
    // It waits for the session bus.
    let shown = tokio::task::spawn_blocking(move || notification.show().map(drop));
    match timeout(LIMIT, shown).await {
        Ok(Ok(shown)) => shown.map_err(|why| why.to_string()),
        Ok(Err(why)) => Err(why.to_string()),
        Err(_) => Err(in_vain()),
    }
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
