use std::{
    net::TcpListener,
    sync::{
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, channel},
    },
};

use super::*;
use crate::{
    dialect::DialectId,
    endpoint::{Auth, Endpoint, variables::Environment},
    engine::RunNews,
    event::FaultClass,
};

/// A machine that was asleep for so many seconds.
struct Sleeper(Arc<AtomicU64>);

impl Machine for Sleeper {
    fn slept(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

/// A monitor over one target that takes connections and says nothing.
struct Quiet {
    _listener: TcpListener,
    folder: tempfile::TempDir,
    history: History,
    settings: Arc<Settings>,
    slept: Arc<AtomicU64>,
    monitor: TaskHandle<MonitorCommand>,
    updates: Receiver<Update>,
}

impl Quiet {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let mut endpoint = Endpoint::custom("quiet", url.parse().unwrap(), DialectId::OpenaiChat);
        endpoint.auth = Auth::None;
        let settings = Arc::new(Settings {
            endpoints: vec![endpoint],
            ..Settings::default()
        });
        let folder = tempfile::tempdir().unwrap();
        let history = History::open(folder.path());
        let (to_client, updates) = channel();
        let slept = Arc::new(AtomicU64::new(0));
        let monitor = start_by(
            Arc::new(Sleeper(Arc::clone(&slept))),
            folder.path().to_owned(),
            Outbox::new(to_client, || {}),
            Credentials::without_keyring(Environment::default()),
            Some(history.clone()),
        );
        monitor.settings_are(Arc::clone(&settings));
        Self {
            _listener: listener,
            folder,
            history,
            settings,
            slept,
            monitor,
            updates,
        }
    }

    fn until<T>(&self, mut wanted: impl FnMut(Update) -> Option<T>) -> T {
        loop {
            if let Some(found) = wanted(self.updates.recv().unwrap()) {
                return found;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_that_a_sleep_cuts_off_is_void_and_the_time_is_a_gap() {
    let quiet = Quiet::new();
    let target: TargetId = "quiet/m".parse().unwrap();
    quiet.monitor.take(MonitorCommand::Start(ProbePlan {
        every: Some(Duration::from_hours(1)),
        ..ProbePlan::once(vec![target])
    }));
    let id = quiet.until(|update| match update {
        Update::Run(RunNews::Accepted(head)) => Some(head.id),
        _ => None,
    });
    quiet.slept.store(600, Ordering::Relaxed);
    // Anything has it look at the clock.
    quiet.monitor.settings_are(Arc::clone(&quiet.settings));
    let (mut gap, mut run) = (None, None);
    while gap.is_none() || run.is_none() {
        match quiet.updates.recv().unwrap() {
            Update::Monitor(MonitorNews::Gap(told)) => gap = Some(told),
            Update::Run(RunNews::Over(over)) => run = Some(over),
            _ => {}
        }
    }
    let (gap, run) = (gap.unwrap(), run.unwrap());
    assert_eq!((gap.target.as_ref(), gap.why), (None, GapReason::Asleep));
    let lasted = gap.to_unix_ns.unwrap() - gap.from_unix_ns;
    assert_eq!(lasted, 600 * 1_000_000_000);
    let fault = run.answer.fault.clone().unwrap();
    assert_eq!((run.head.id, fault.class), (id, FaultClass::Suspended));
    assert_eq!(quiet.history.gaps(0, i64::MAX).await.unwrap(), [gap]);
    let kept = quiet.history.run(id).await.unwrap().unwrap();
    assert!(kept.is_suspended() && !kept.is_cancelled(), "{fault}");
    quiet.monitor.end().await;
    quiet.history.end().await.unwrap();
}

/// The gaps that are told until a probe begins, where an endpoint was last checked so many hours ago.
async fn gaps_at_start(hours: i64, every: Duration) -> Vec<ProbeGap> {
    let quiet = Quiet::new();
    quiet.history.put_check(EndpointCheck {
        endpoint: "quiet".into(),
        at_unix_ns: crate::clock::wall_clock_ns() - hours * 3_600_000_000_000,
        status: Some(200),
        ..EndpointCheck::default()
    });
    let asked = |unix_ns| ProbeGap {
        target: Some("quiet/m".parse().unwrap()),
        why: GapReason::CostCap,
        from_unix_ns: unix_ns,
        to_unix_ns: Some(unix_ns + 1),
    };
    quiet.history.put_gap(asked(1));
    quiet.history.flush().await;
    let targets = ["quiet/m", "quiet/never-asked"].map(|target| target.parse().unwrap());
    quiet.monitor.take(MonitorCommand::Start(ProbePlan {
        every: Some(every),
        ..ProbePlan::once(targets.into())
    }));
    let mut gaps = Vec::new();
    quiet.until(|update| match update {
        Update::Monitor(MonitorNews::Gap(gap)) => {
            gaps.push(gap);
            None
        }
        Update::Run(RunNews::Accepted(_)) => Some(()),
        _ => None,
    });
    let from = gaps.first().map_or(i64::MAX, |gap| gap.from_unix_ns);
    let kept = quiet.history.gaps(from, i64::MAX).await.unwrap();
    assert_eq!(kept, gaps);
    quiet.monitor.end().await;
    quiet.history.end().await.unwrap();
    gaps
}

#[tokio::test(flavor = "multi_thread")]
async fn time_in_which_no_monitor_ran_is_a_gap_of_the_targets_that_were_asked() {
    let hour = Duration::from_hours(1);
    let gaps = gaps_at_start(3, hour).await;
    let [gap] = &gaps[..] else { panic!("{gaps:?}") };
    let target = gap.target.as_ref().map(ToString::to_string);
    assert_eq!(
        (target.as_deref(), gap.why),
        (Some("quiet/m"), GapReason::NotRunning)
    );
    let lasted = gap.to_unix_ns.unwrap() - gap.from_unix_ns;
    assert!(lasted >= 3 * 3_600_000_000_000, "{lasted}");
    // It may have been down between two probes.
    assert_eq!(gaps_at_start(3, 2 * hour).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_watches_tells_no_gap() {
    let quiet = Quiet::new();
    let folder = quiet.folder.path();
    let lease = crate::monitor::ProberLease::try_take(folder).unwrap();
    quiet.monitor.take(MonitorCommand::Start(ProbePlan {
        every: Some(Duration::from_hours(1)),
        ..ProbePlan::once(vec!["quiet/m".parse().unwrap()])
    }));
    let pid = Some(std::process::id());
    quiet.until(|update| match update {
        Update::Monitor(MonitorNews::Is(MonitorState::Watching { pid: told })) => {
            (told == pid).then_some(())
        }
        _ => None,
    });
    quiet.slept.store(600, Ordering::Relaxed);
    quiet.monitor.settings_are(Arc::clone(&quiet.settings));
    drop(lease);
    // It takes over, and asks.
    quiet.until(|update| match update {
        Update::Monitor(MonitorNews::Gap(gap)) => panic!("{gap:?}"),
        Update::Run(RunNews::Accepted(_)) => Some(()),
        _ => None,
    });
    quiet.monitor.end().await;
    quiet.history.end().await.unwrap();
}
