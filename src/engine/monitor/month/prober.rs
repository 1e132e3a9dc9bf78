//! The process that probes: the real monitor and the real history on a simulated machine.

use std::{
    io::Write as _,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, channel},
    },
    thread,
    time::Duration,
};

use futures_util::future::{BoxFuture, FutureExt as _, ready};
use tokio::{
    runtime::Builder,
    time::{Instant, sleep, sleep_until},
};

use super::{
    course::{Course, EVERY, TARGETS},
    disk, mounted,
};
use crate::{
    credential::Credentials,
    dialect::DIALECTS,
    endpoint::{Auth, Endpoint, variables::Environment},
    engine::{
        MonitorCommand, MonitorNews, MonitorState, Outbox, Update,
        monitor::{TaskHandle, machine::Machine, start_by},
        runs::{Emit, RunRegistry},
    },
    event::{Event, Fault, FaultClass, Finish, FinishReason, Phase, Usage},
    history::{EndpointCheck, History, Storage},
    monitor::ProbePlan,
    run::{ConnectionKind, Read, Run, RunSpec, RunStop, RunUpdate, Stamps},
    settings::Settings,
    transport::Transport,
};

pub(super) const BEGIN: &str = "TOKENSCOPE_MONTH_BEGIN";
pub(super) const DAYS: &str = "TOKENSCOPE_MONTH_DAYS";
pub(super) const FROM: &str = "TOKENSCOPE_MONTH_FROM";
/// Set where the disk can be filled.
pub(super) const DISK: &str = "TOKENSCOPE_MONTH_DISK";

/// How often the prober waits for the disk.
const TICK: Duration = Duration::from_mins(5);
/// Shorter sleeps are none.
const SHORTEST_SLEEP: Duration = Duration::from_secs(2);
const MS: u64 = 1_000_000;

/// Says a line to the supervisor, at once.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Who does not listen any more is about to kill this process.
    let _ = writeln!(out, "\n{line}").and_then(|()| out.flush());
}

/// A machine whose course is known.
#[derive(Clone)]
struct SimulatedMachine {
    course: Course,
    /// When in the month this process was started.
    from: Duration,
    started: Instant,
    /// Nanoseconds asleep since then.
    slept: Arc<AtomicU64>,
}

impl SimulatedMachine {
    /// The time since the month began.
    fn at(&self) -> Duration {
        self.from + self.started.elapsed() + self.slept()
    }

    /// Waits while the machine is awake.
    async fn wait_until(&self, at: Duration) {
        let awake = at.saturating_sub(self.from + self.slept());
        sleep_until(self.started + awake).await;
    }

    fn sleep(&self, length: Duration) {
        let length = u64::try_from(length.as_nanos()).unwrap();
        self.slept.fetch_add(length, Ordering::Relaxed);
    }

    async fn execute(&self, spec: RunSpec, stop: RunStop, emit: &mut Emit) -> Run {
        let (id, at, slept_before) = (spec.head.id, self.at(), self.slept());
        let target: u32 = spec.endpoint.id[1..].parse().unwrap();
        say(&format!("began {} {} {target}", id.0, at.as_nanos()));
        let started_unix_ns = self.unix_ns();
        let is_up = !Course::is_down(target, at);
        let jitter = id.0.unsigned_abs() % 500 * MS;
        let takes = if is_up { 700 * MS + jitter } else { 50 * MS };
        let mut run = Run::new(spec.head);
        let mut tell = |run: &mut Run, update: RunUpdate| {
            run.apply(&update).unwrap();
            emit(update);
        };
        tell(&mut run, RunUpdate::Started { started_unix_ns });
        let mut fault = tokio::select! {
            biased;
            fault = stop.before_sent() => Some(fault),
            () = sleep(Duration::from_nanos(takes)) => {
                (!is_up).then(|| Fault::new(FaultClass::Connect, Phase::Connect, "refused"))
            }
        };
        if self.slept().saturating_sub(slept_before) >= SHORTEST_SLEEP {
            fault = Some(Fault::new(FaultClass::Suspended, Phase::Stream, "slept"));
        }
        let word = fault.as_ref().map_or("ok", |fault| fault.class.as_str());
        say(&format!("over {} {word}", id.0));
        for update in rest(started_unix_ns, jitter, fault) {
            tell(&mut run, update);
        }
        run
    }
}

/// All updates of a run but the first.
fn rest(started_unix_ns: i64, jitter: u64, fault: Option<Fault>) -> Vec<RunUpdate> {
    if let Some(fault) = fault {
        let [_, closed] = RunUpdate::failed_before_start(fault, started_unix_ns);
        return vec![closed];
    }
    let mut stamps = Stamps {
        started_unix_ns,
        request_sent: Some(MS),
        headers: Some(390 * MS),
        ..Stamps::default()
    };
    let mut updates = vec![RunUpdate::Head {
        stamps: Box::new(stamps.clone()),
        connection: ConnectionKind::Warm,
        status: 200,
        http_version: "HTTP/1.1".into(),
    }];
    for n in 0..16 {
        let read = Read {
            at: 400 * MS + jitter + n * 18 * MS,
            delay: Some(40_000),
            bytes: 240,
            events: 1,
            tokens: 1,
            ..Read::default()
        };
        let events = vec![Event::Text {
            text: "four".into(),
        }];
        stamps.note(&read, &events);
        updates.push(RunUpdate::Read { read, events });
    }
    stamps.closed = stamps.last_token;
    let events = vec![
        Event::Usage(Usage {
            input: Some(30),
            output: Some(16),
            ..Usage::default()
        }),
        Event::Finish(Finish {
            reason: FinishReason::Stop,
            raw: "stop".into(),
        }),
        Event::Done,
    ];
    updates.push(RunUpdate::Closed {
        at: stamps.closed.unwrap_or_default(),
        events,
        stamps: Box::new(stamps),
    });
    updates
}

impl Machine for SimulatedMachine {
    fn slept(&self) -> Duration {
        Duration::from_nanos(self.slept.load(Ordering::Relaxed))
    }

    fn unix_ns(&self) -> i64 {
        self.course.unix_ns(self.at())
    }

    fn can_reach<'a>(&'a self, _: &'a Endpoint) -> BoxFuture<'a, bool> {
        ready(!Course::is_offline(self.at())).boxed()
    }

    fn check(
        &self,
        endpoint: Endpoint,
        _: Credentials,
    ) -> BoxFuture<'static, Option<EndpointCheck>> {
        let check = EndpointCheck {
            endpoint: endpoint.id,
            at_unix_ns: self.unix_ns(),
            dns_ns: Some(MS),
            tcp_ns: Some(45 * MS),
            tls_ns: Some(98 * MS),
            models_ns: Some(123 * MS),
            status: Some(200),
            fault: None,
            certificate_until: None,
        };
        let is_offline = Course::is_offline(self.at());
        ready((!is_offline).then_some(check)).boxed()
    }

    fn runs(&self, out: Outbox, keys: Credentials, history: Option<History>) -> RunRegistry {
        let machine = self.clone();
        let runs = RunRegistry::new(out, Transport::default(), keys, history);
        runs.executed_by(Arc::new(move |spec, stop, emit, _| {
            let machine = machine.clone();
            async move { machine.execute(spec, stop, emit).await }.boxed()
        }))
    }
}

/// Waits in real time, while simulated time stands still.
fn really<T: Send>(future: impl Future<Output = T> + Send) -> T {
    let wait = || {
        Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(future)
    };
    thread::scope(|scope| scope.spawn(wait).join().unwrap())
}

struct Prober {
    machine: SimulatedMachine,
    folder: PathBuf,
    history: History,
    monitor: TaskHandle<MonitorCommand>,
    updates: Receiver<Update>,
}

fn endpoints() -> Vec<Endpoint> {
    let endpoint = |n| {
        let url = "http://127.0.0.1:1/v1".parse().unwrap();
        let mut endpoint = Endpoint::custom(format!("t{n:02}"), url, DIALECTS[0].id);
        endpoint.auth = Auth::None;
        endpoint
    };
    (0..TARGETS).map(endpoint).collect()
}

impl Prober {
    /// Starts the monitor, and waits until it probes.
    async fn start(course: Course, from: Duration, folder: PathBuf) -> Self {
        let machine = SimulatedMachine {
            course,
            from,
            started: Instant::now(),
            slept: Arc::default(),
        };
        let history = History::open(&folder);
        let (to_client, updates) = channel();
        let monitor = start_by(
            Arc::new(machine.clone()),
            folder.clone(),
            Outbox::new(to_client, || {}),
            Credentials::without_keyring(Environment::default()),
            Some(history.clone()),
        );
        let endpoints = endpoints();
        let targets = endpoints
            .iter()
            .map(|e| format!("{}/m", e.id).parse().unwrap());
        let plan = ProbePlan {
            every: Some(EVERY),
            check_every: Some(2 * EVERY),
            ..ProbePlan::once(targets.collect())
        };
        monitor.settings_are(Arc::new(Settings {
            endpoints,
            ..Settings::default()
        }));
        monitor.take(MonitorCommand::Start(plan));
        let prober = Self {
            machine,
            folder,
            history,
            monitor,
            updates,
        };
        let is_probing = |update| {
            matches!(
                update,
                Update::Monitor(MonitorNews::Is(MonitorState::Probing(_)))
            )
        };
        while !prober.updates.try_iter().any(is_probing) {
            // A task that is ready holds the clock.
            tokio::task::yield_now().await;
        }
        prober
    }

    /// Waits for the disk, and says what is on it. Nothing is while it is full.
    fn wait_for_disk(&self) {
        self.updates.try_iter().for_each(drop);
        really(self.history.flush());
        if really(self.history.storage()) == Storage::Ok {
            say(&format!("stored {}", self.machine.at().as_nanos()));
        }
    }

    fn say_sizes(&self) {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
        let (rss, size) = (pages * 4, disk::size_kib(&self.folder));
        say(&format!(
            "hour {} {rss} {size}",
            self.machine.at().as_nanos()
        ));
    }

    /// Has the disk full for a while, if it can be filled.
    fn fill_or_free(&self, is_full: bool) {
        if std::env::var_os(DISK).is_none() {
        } else if is_full {
            disk::fill(&self.folder);
        } else {
            let status = really(self.history.storage());
            assert!(matches!(status, Storage::Failing { .. }), "{status:?}");
            disk::free(&self.folder);
            let mut status = self.history.watch_storage();
            let is_ok = |status: &Option<Storage>| *status == Some(Storage::Ok);
            really(async { status.wait_for(is_ok).await.map(drop) }).unwrap();
        }
    }

    /// Goes through the rest of the month.
    async fn go_on(&self) {
        let machine = &self.machine;
        let (end, is_ahead) = (machine.course.end(), |at: Duration| at >= machine.from);
        let mut sleeps = machine.course.sleeps();
        sleeps.retain(|(at, _)| is_ahead(*at));
        let mut sleeps = sleeps.into_iter().peekable();
        let (full, free) = Course::full_disk();
        let turns = [(full, true), (free, false)];
        let mut turns = turns.into_iter().filter(|(at, _)| is_ahead(*at)).peekable();
        let (mut tick, mut hour) = (machine.from, machine.from);
        while machine.at() < end {
            let events = [sleeps.peek().map(|it| it.0), turns.peek().map(|it| it.0)];
            let next = events.into_iter().flatten().fold(tick, Duration::min);
            machine.wait_until(next).await;
            if let Some((_, length)) = sleeps.next_if(|(at, _)| *at <= next) {
                machine.sleep(length);
            }
            if let Some((_, is_full)) = turns.next_if(|(at, _)| *at <= next) {
                self.fill_or_free(is_full);
            }
            if machine.at() >= tick {
                self.wait_for_disk();
                tick = machine.at() + TICK;
            }
            if machine.at() >= hour {
                self.say_sizes();
                hour = machine.at() + Duration::from_hours(1);
            }
        }
    }
}

fn number<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
#[ignore = "the program that is killed"]
fn probe_until_killed() {
    let (Some(begin_unix_ns), Some(days), Some(from)) = (number(BEGIN), number(DAYS), number(FROM))
    else {
        return;
    };
    let course = Course {
        begin_unix_ns,
        days,
    };
    let runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let prober = Prober::start(course, Duration::from_nanos(from), mounted::folder()).await;
        prober.go_on().await;
        prober.monitor.end().await;
        prober.wait_for_disk();
        really(prober.history.end()).unwrap();
    });
    say("done");
}
