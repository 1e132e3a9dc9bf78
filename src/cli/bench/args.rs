//! The arguments of `tokenscope bench`, and the plans that they make.

use std::{path::PathBuf, time::Duration};

use super::{
    asking::AskingArgs,
    machines::MachineArgs,
    outputs::OutputArgs,
    values::{limits, ms, rate, share},
};
use crate::{
    bench::{
        ArrivalProcess, BackOff, BenchConnections, BenchId, BenchPlan, BenchPrompts, GoodputLimits,
        Load, StopRules, schedule::read_trace, search::USUAL_SHARE,
    },
    cli::{
        UsageError,
        ad_hoc::WHERE,
        input,
        probe::{time, usd},
        targets::TargetArgs,
    },
    endpoint::TargetId,
    price::Usd,
};

/// Headings of the help.
const LOAD: &str = "The load";
const STOP: &str = "When to stop";
const ASK: &str = "What to ask";
const OUT: &str = "Results";
const STORED: &str = "Stored benches";

/// Requests of a bench that has neither a count nor a time.
const USUAL_REQUESTS: u64 = 100;

/// Arguments of `tokenscope bench`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct BenchArgs {
    #[command(flatten)]
    pub(super) place: TargetArgs,

    /// A closed loop of so many streams, each of which sends its next request when its last one is over [default: 1].
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000), help_heading = LOAD)]
    concurrency: Option<u32>,

    /// An open loop: so many requests a second, whether earlier ones are over or not.
    #[arg(long, value_name = "RATE", value_parser = rate, conflicts_with = "concurrency", help_heading = LOAD)]
    rate: Option<f64>,

    /// How the requests of a rate are spaced: poisson, as those of many users are, or constant [default: poisson].
    #[arg(long, value_name = "HOW", value_parser = crate::cli::one_of(ArrivalProcess::ALL.iter().map(|how| how.as_str()), ArrivalProcess::parse), help_heading = LOAD)]
    arrivals: Option<ArrivalProcess>,

    /// An open loop by a recorded schedule: a file with a time a line in seconds, or JSON lines with “timestamp” in
    /// milliseconds.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["concurrency", "rate", "arrivals", "ramp"], help_heading = LOAD)]
    trace: Option<PathBuf>,

    /// One bench after another with these numbers of streams: 1,2,4,8.
    #[arg(long, value_name = "N,…", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=100_000), conflicts_with_all = ["concurrency", "rate", "trace"], help_heading = LOAD)]
    sweep: Vec<u32>,

    /// One bench after another with these rates: 5,10,20.
    #[arg(long, value_name = "RATE,…", value_delimiter = ',', value_parser = rate, conflicts_with_all = ["concurrency", "rate", "trace", "sweep"], help_heading = LOAD)]
    sweep_rate: Vec<f64>,

    /// Look for the highest rate at which enough requests keep the limits of --slo, beginning at --rate, or at 1.
    #[arg(long, requires = "slo", conflicts_with_all = ["concurrency", "trace", "sweep", "sweep_rate"], help_heading = LOAD)]
    pub(super) search: bool,

    /// The share of requests that must keep the limits for a rate of --search to hold.
    #[arg(long, value_name = "SHARE", default_value_t = USUAL_SHARE, value_parser = share, requires = "search", help_heading = LOAD)]
    pub(super) search_share: f64,

    /// Let the load grow to its full size over this time: 10s.
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = LOAD)]
    ramp: Option<Duration>,

    /// Send so many requests first that do not count.
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = LOAD)]
    warm_up: u64,

    /// Over which connections: warm (an open one, where there is one), or cold (a new one each time) [default: warm].
    #[arg(long, value_name = "WHICH", value_parser = crate::cli::one_of(BenchConnections::ALL.iter().map(|which| which.as_str()), BenchConnections::parse), help_heading = WHERE)]
    connections: Option<BenchConnections>,

    /// Most requests under way at a time in an open loop. What is due beyond it waits, which counts as our lag.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..), help_heading = LOAD)]
    most_in_flight: u32,

    /// Send nothing for as long as a 429 asks, or for a second. What was due meanwhile is skipped and counted.
    #[arg(long, help_heading = LOAD)]
    back_off: bool,

    /// The seed of the spacing of requests, so that a bench can be repeated.
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = LOAD)]
    pub(super) seed: u64,

    /// Send so many requests that count [default: 100, unless --time or --trace is given].
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = STOP)]
    requests: Option<u64>,

    /// Send requests for so long: 30s, 5m. Those under way then are waited for.
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = STOP)]
    time: Option<Duration>,

    /// Stop once more requests than this failed, and exit with 1.
    #[arg(long, value_name = "N", help_heading = STOP)]
    max_failures: Option<u64>,

    /// Stop once it cost so many US dollars, requests under way counted at their most. Needs a known price.
    #[arg(long, value_name = "USD", value_parser = usd, help_heading = STOP)]
    pub(super) max_usd: Option<Usd>,

    /// Stop an open loop once the server takes less than is sent, for good.
    #[arg(long, help_heading = STOP)]
    stop_saturated: bool,

    /// How long the last requests are waited for; those still under way then are cancelled, and count neither as
    /// answered nor as failed.
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "60s", help_heading = STOP)]
    drain: Duration,

    #[command(flatten)]
    pub(super) asking: AskingArgs,

    /// Most output tokens of a request that nothing else is said of.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..), help_heading = ASK)]
    pub(super) max_tokens: u32,

    /// What a request must keep to be good: ttft=500ms,tpot=50ms,total=5s. Failures are never good.
    #[arg(long, value_name = "LIMITS", value_parser = limits, help_heading = OUT)]
    pub(super) slo: Option<GoodputLimits>,

    /// Print a line of JSON for each bench.
    #[arg(long, help_heading = OUT)]
    pub(super) json: bool,

    /// Tell the figures as other load tools define them, too (vLLM's bench and others), from the same stamps.
    #[arg(long, conflicts_with_all = ["agents", "list", "delete", "dry_run"], help_heading = OUT)]
    pub(super) compat: bool,

    /// Write each request with its stamps to this file: .csv, .json or .parquet. Of several benches each gets a number in
    /// its file's name.
    #[arg(short, long, value_name = "FILE", conflicts_with = "no_history", help_heading = OUT)]
    pub(super) output: Option<PathBuf>,

    /// Keep the texts of the answers, too: at most 16 KiB of each and 64 MiB of a bench, before compression.
    #[arg(long, conflicts_with_all = ["list", "show", "compare", "delete"], help_heading = OUT)]
    pub(super) keep_texts: bool,
    #[command(flatten)]
    pub(super) outputs: OutputArgs,

    /// Do not store the benches in the history.
    #[arg(long, help_heading = OUT)]
    pub(super) no_history: bool,

    /// Send load to other machines without asking.
    #[arg(short, long, help_heading = STOP)]
    pub(super) yes: bool,

    /// Say what would be sent and what it would cost at most, and send nothing.
    #[arg(long, conflicts_with = "report", help_heading = STOP)]
    pub(super) dry_run: bool,

    #[command(flatten)]
    pub(super) machines: MachineArgs,

    /// List the benches of the history.
    #[arg(long, conflicts_with_all = ["show", "delete", "dry_run", "search", "report"], help_heading = STORED)]
    pub(super) list: bool,

    /// Show a bench of the history; with --output, write its requests. One whose process was killed is computed from what
    /// was stored.
    #[arg(long, value_name = "ID", value_parser = id, conflicts_with_all = ["delete", "dry_run", "search"], help_heading = STORED)]
    pub(super) show: Option<BenchId>,

    /// With --show: the kept texts of its answers, as JSON lines.
    #[arg(long, requires = "show", conflicts_with_all = ["output", "compat", "report"], help_heading = STORED)]
    pub(super) texts: bool,

    /// Show two benches of the history side by side, with the differences of their figures.
    #[arg(long, value_names = ["ID", "ID"], num_args = 2, value_parser = id, conflicts_with_all = ["list", "show", "delete", "dry_run", "search", "output", "compat", "report"], help_heading = STORED)]
    pub(super) compare: Vec<BenchId>,

    /// Delete a bench of the history.
    #[arg(long, value_name = "ID", value_parser = id, conflicts_with_all = ["dry_run", "search", "report"], help_heading = STORED)]
    pub(super) delete: Option<BenchId>,
}

const EXAMPLES: &str = "\
Exit codes: 0 done; 1 more failures than --max-failures, or no answer at all, or it could not be
run; 2 wrong arguments; 4 invalid: this machine lagged; 130 stopped by Ctrl-C (129 by SIGHUP, 143
by SIGTERM), with the figures so far. Of several benches the highest code counts.

A first signal stops the load and ends the requests under way; a second one ends at once.

Examples:
  tokenscope bench -c 16 -n 500
  tokenscope bench -t vllm/qwen3 --rate 20 --time 1m --slo ttft=500ms,tpot=50ms --json
  tokenscope bench -t vllm/qwen3 --prompts sharegpt.json --turns each --rate 5 -n 500 --compat
  tokenscope bench -t vllm/qwen3 --input-tokens 512,64 --output-tokens 128 -c 8
  tokenscope bench -t vllm/qwen3 --sweep 1,2,4,8,16 -n 200 --warm-up 20
  tokenscope bench -t vllm/qwen3 --search --slo ttft=1s --time 30s
  tokenscope bench --base-url http://127.0.0.1:8000/v1 -m qwen3 --rate 5 -n 100 -o requests.parquet
  tokenscope bench -t vllm/qwen3 --rate 60 --time 1m --agents load-1:9464,load-2:9464 --agent-ca ca.pem
  tokenscope bench -t vllm/qwen3 --sweep-rate 5,10,20 --time 1m --report bench.html
  tokenscope bench --list
  tokenscope bench --compare 1883214567890123456 1883214598765432100";

fn id(text: &str) -> Result<BenchId, String> {
    let number = text.parse().map(BenchId);
    number.map_err(|_| "the id of a bench is a number: see --list".to_owned())
}

impl BenchArgs {
    /// The plans of all benches, in the order in which they are run; of a search the one that it begins with.
    pub(super) fn plans(
        &self,
        targets: &[TargetId],
        prompts: &BenchPrompts,
    ) -> Result<Vec<BenchPlan>, UsageError> {
        let loads = self.loads()?;
        if self.arrivals.is_some() && !loads.iter().all(Load::is_open) {
            return Err(UsageError::new(
                "--arrivals is for --rate, --sweep-rate and --search",
            ));
        }
        let asked = prompts.asked();
        let plan = |target: &TargetId, load: &Load| BenchPlan {
            asked: Some(asked.clone()),
            ..self.plan(target.clone(), load.clone())
        };
        let of_target = |target| loads.iter().map(move |load| plan(target, load));
        Ok(targets.iter().flat_map(of_target).collect())
    }

    /// Texts need a place.
    pub(super) fn check_texts(&self) -> Result<(), UsageError> {
        if self.keep_texts && self.no_history && self.machines.save.is_none() {
            let why = "--keep-texts keeps them in the history, or in the file of --save: leave out --no-history, or say --save";
            return Err(UsageError::new(why));
        }
        Ok(())
    }

    fn loads(&self) -> Result<Vec<Load>, UsageError> {
        let closed = |concurrency: &u32| Load::Closed {
            concurrency: *concurrency,
        };
        if let Some(file) = &self.trace {
            let text = input::text("trace", file, input::MAX_TEXT)?;
            let offsets = read_trace(&text);
            let offsets =
                offsets.map_err(|why| UsageError::new(format!("{}: {why}", input::name(file))))?;
            if offsets.is_empty() {
                return Err(UsageError::new(format!(
                    "{} has no times",
                    input::name(file)
                )));
            }
            return Ok(vec![Load::Trace { offsets }]);
        }
        Ok(if !self.sweep.is_empty() {
            self.sweep.iter().map(closed).collect()
        } else if !self.sweep_rate.is_empty() {
            self.sweep_rate
                .iter()
                .map(|rate| self.open(*rate))
                .collect()
        } else if let Some(rate) = self.rate.or(self.search.then_some(1.0)) {
            vec![self.open(rate)]
        } else {
            vec![closed(&self.concurrency.unwrap_or(1))]
        })
    }

    /// An open loop at a rate.
    pub(super) fn open(&self, per_second: f64) -> Load {
        Load::Rate {
            per_second,
            arrivals: self.arrivals.unwrap_or(ArrivalProcess::Poisson),
        }
    }

    fn plan(&self, target: TargetId, load: Load) -> BenchPlan {
        let is_trace = matches!(load, Load::Trace { .. });
        let usual = (self.time.is_none() && !is_trace).then_some(USUAL_REQUESTS);
        BenchPlan {
            target,
            load,
            ramp_ms: self.ramp.map_or(0, ms),
            connections: self.connections.unwrap_or(BenchConnections::Warm),
            warm_up: self.warm_up,
            stop: StopRules {
                requests: self.requests.or(usual),
                time_ms: self.time.map(ms),
                failures: self.max_failures,
                cost_usd: self.max_usd.map(Usd::dollars),
                over_saturation: self.stop_saturated,
                drain_ms: Some(ms(self.drain)),
            },
            goodput: self.slo.unwrap_or_default(),
            back_off: BackOff::polite_if(self.back_off),
            most_in_flight: self.most_in_flight,
            max_tokens: self.max_tokens,
            seed: self.seed,
            asked: None,
            keep_texts: self.keep_texts,
        }
    }
}
