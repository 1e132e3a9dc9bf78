//! The driver of agents: divides the load among them, lets them begin at one time, takes all their requests, and computes
//! the figures from these.

mod link;
mod part;
mod together;

use std::{
    process::{ExitCode, exit},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use futures_util::future::join_all;
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinSet,
};

use self::{
    link::{AgentLink, SharedLink},
    part::{AgentPart, TRIPS},
    together::together,
};
use super::{BenchArgs, Progressing, code_of, consent, machines, outputs::BenchOutputs};
use crate::{
    bench::{
        BenchId, BenchPlan, BenchPrompts, BenchSummary, StopReason,
        merge::merge,
        offset::ClockOffset,
        order::{AgentProgress, BenchOrder, MAX_PROMPTS, ORDER_VERSION},
        part::BenchPart,
        share::LoadShare,
    },
    cli::{UsageError, merge as merging, note},
    clock::{SteadyClock, now},
    engine::signals,
    price::Usd,
    settings::Paths,
};

/// From the orders to the beginning: every agent has its order by then.
const AHEAD: Duration = Duration::from_secs(1);

/// What a signal adds to its number as exit code.
const SIGNALLED: u8 = 128;

pub(super) fn run(args: &BenchArgs) -> anyhow::Result<ExitCode> {
    if let Some(file) = &args.output {
        super::stored::format_of(file)?;
    }
    let prompts = args.asking.asked(args.max_tokens, args.seed)?;
    let sent = sent_prompts(&prompts)?;
    let targets = args.place.named_targets()?;
    let plans = args.plans(&targets, &prompts)?;
    let mut outputs = BenchOutputs::start(&args.outputs)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no async runtime")?;
    let code = runtime.block_on(async {
        let (sender, signals) = unbounded_channel();
        let mut driver = Driver::new(args, signals, &mut outputs).await?;
        driver.ask(&plans).await?;
        driver.put_prompts(&sent).await?;
        // From here on a signal stops the load.
        pass_signals(sender);
        let mut code = 0;
        for plan in &plans {
            if driver.signalled.is_some() {
                break;
            }
            code = code.max(driver.bench(plan).await?);
        }
        driver.end()?;
        let signalled = driver.signalled.map(|signal| SIGNALLED + signal);
        anyhow::Ok(ExitCode::from(signalled.unwrap_or(code)))
    })?;
    outputs.end()?;
    Ok(code)
}

/// The prompts as agents take them.
fn sent_prompts(prompts: &BenchPrompts) -> anyhow::Result<Bytes> {
    let json = serde_json::to_vec(prompts)?;
    if json.len() > MAX_PROMPTS {
        return Err(UsageError::new(format!(
            "the prompts are {} MiB as JSON, and agents take {} MiB at most: ask fewer of them, or run each machine's part \
             with --share and --save",
            json.len().div_ceil(1 << 20),
            MAX_PROMPTS >> 20
        ))
        .into());
    }
    Ok(json.into())
}

struct Driver<'a, 'b> {
    args: &'a BenchArgs,
    outputs: &'a mut BenchOutputs<'b>,
    links: Vec<SharedLink>,
    clock: SteadyClock,
    /// Tells this session's clock from those of others.
    session: i64,
    signals: UnboundedReceiver<u8>,
    /// The first signal that came.
    signalled: Option<u8>,
    /// The parts of each bench, where they are to be saved.
    saved: Vec<Vec<BenchPart>>,
    /// The benches of the history.
    written: Vec<BenchId>,
}

impl<'a, 'b> Driver<'a, 'b> {
    async fn new(
        args: &'a BenchArgs,
        signals: UnboundedReceiver<u8>,
        outputs: &'a mut BenchOutputs<'b>,
    ) -> anyhow::Result<Self> {
        let machines = &args.machines;
        let token = machines.token.of_driver().await?;
        let clock = SteadyClock::set();
        let mut links: Vec<SharedLink> = Vec::new();
        for address in &machines.agents {
            let ca_file = machines.agent_ca.clone();
            links.push(Arc::new(AgentLink::new(
                address,
                token.clone(),
                ca_file,
                clock,
            )));
        }
        Ok(Self {
            args,
            outputs,
            links,
            clock,
            session: BenchId::new().0,
            signals,
            signalled: None,
            saved: Vec::new(),
            written: Vec::new(),
        })
    }

    /// Asks each agent whether it could, and the user whether the load is meant.
    async fn ask(&self, plans: &[BenchPlan]) -> anyhow::Result<()> {
        let mut is_remote = false;
        for plan in plans {
            let target = plan.target.to_string();
            let infos = self.links.iter().map(|link| link.info(&target));
            for (link, info) in self.links.iter().zip(join_all(infos).await) {
                let info = info.map_err(|why| anyhow::anyhow!("{}: {why}", link.name))?;
                if info.orders != ORDER_VERSION {
                    let version = info.version;
                    bail!(
                        "{} has Tokenscope {version}, which takes other orders",
                        link.name
                    );
                }
                if plan.stop.cost_usd.is_some() && !info.is_priced {
                    let why = format!(
                        "{} knows no price of {target}, so that --max-usd can't hold there",
                        link.name
                    );
                    return Err(UsageError::new(why).into());
                }
                is_remote |= !info.is_local;
            }
            // So that a load that can't be divided is refused before anything is sent.
            self.shares(plan)?;
            if is_remote || plan.keep_texts {
                note(&format!("{target}: {}", consent::requests_text(plan)));
            }
        }
        if is_remote {
            consent::confirm(self.args.yes)?;
        }
        Ok(())
    }

    /// Sends every agent what is asked.
    async fn put_prompts(&self, prompts: &Bytes) -> anyhow::Result<()> {
        let puts = self
            .links
            .iter()
            .map(|link| link.put_prompts(prompts.clone()));
        for (link, put) in self.links.iter().zip(join_all(puts).await) {
            put.map_err(|why| anyhow::anyhow!("{} did not take the prompts: {why}", link.name))?;
        }
        Ok(())
    }

    /// Each agent's part of the plan.
    fn shares(&self, plan: &BenchPlan) -> Result<Vec<(LoadShare, BenchPlan)>, UsageError> {
        let of = u32::try_from(self.links.len()).unwrap_or(u32::MAX);
        let shares = (0..of).filter_map(|index| LoadShare::new(index, of));
        let plans = shares.map(|share| Ok((share, plan.share(share)?)));
        let plans: Result<_, crate::bench::share::ShareError> = plans.collect();
        plans.map_err(UsageError::new)
    }

    /// Runs one bench, and prints what it found. Gives its exit code.
    async fn bench(&mut self, plan: &BenchPlan) -> anyhow::Result<u8> {
        let (parts, stopped) = self.parts(plan).await?;
        let mut merged = merge(&parts)?;
        if stopped.is_some() {
            merged.summary.stopped = stopped;
        }
        let id = if self.args.no_history {
            None
        } else {
            let id = BenchId::new();
            merging::store(&Paths::of_user()?, id, &merged, &parts).await?;
            self.written.push(id);
            Some(id)
        };
        merging::print(id, &merged, self.args.json)?;
        self.outputs.merged(id, &merged, &parts)?;
        if self.args.machines.save.is_some() {
            self.saved.push(parts);
        }
        Ok(code_of(plan, &merged.summary))
    }

    /// Lets all agents do their parts. Gives these, and why they were stopped, if they were.
    async fn parts(
        &mut self,
        plan: &BenchPlan,
    ) -> anyhow::Result<(Vec<BenchPart>, Option<StopReason>)> {
        let clocks = self.clocks().await?;
        let shares = self.shares(plan)?;
        let begin = self.clock.unix_ns(now() + AHEAD);
        let nonce = BenchId::new().0.cast_unsigned();
        let (progress, told) = unbounded_channel();
        let mut running = JoinSet::new();
        for (index, ((share, own), before)) in shares.into_iter().zip(clocks).enumerate() {
            let begin = begin.saturating_add_unsigned(plan.load.begins_after_ns(share));
            let order = BenchOrder {
                version: ORDER_VERSION,
                plan: own,
                share: share.place(),
                nonce,
                begin_unix_ns: begin.saturating_add(before.offset_ns),
            };
            let link = Arc::clone(self.links.get(index).context("an agent for each share")?);
            let clock = (self.session, before);
            let part = AgentPart::new(link, index, &order, clock, progress.clone());
            running.spawn(async move { (index, Box::pin(part.run(order)).await) });
        }
        drop(progress);
        self.follow(plan, running, told).await
    }

    /// How far each agent's clock is ahead.
    async fn clocks(&self) -> anyhow::Result<Vec<ClockOffset>> {
        let clocks = join_all(self.links.iter().map(|link| link.clock(TRIPS))).await;
        let clocks = clocks
            .into_iter()
            .zip(&self.links)
            .map(|(clock, link)| clock.map_err(|why| anyhow::anyhow!("{}: {why}", link.name)));
        clocks.collect()
    }

    async fn follow(
        &mut self,
        plan: &BenchPlan,
        mut running: JoinSet<(usize, BenchPart)>,
        mut told: UnboundedReceiver<(usize, AgentProgress)>,
    ) -> anyhow::Result<(Vec<BenchPart>, Option<StopReason>)> {
        let mut parts = Vec::new();
        let mut latest = vec![AgentProgress::default(); self.links.len()];
        let mut stopped = None;
        let mut progressing = Progressing::default();
        loop {
            let reason = tokio::select! {
                part = running.join_next() => match part {
                    None => break,
                    Some(part) => {
                        let (index, part) = part.context("what follows an agent broke off")?;
                        let reason = part.end.summary.as_ref().and_then(stops_others);
                        parts.push((index, part));
                        reason
                    }
                },
                Some((index, progress)) = told.recv() => {
                    if let Some(of_agent) = latest.get_mut(index) {
                        *of_agent = progress;
                    }
                    let all = together(&latest);
                    let reason = plan.must_stop(&all.counts, all.cost.map(Usd::dollars));
                    progressing.tell(&all);
                    reason
                }
                Some(signal) = self.signals.recv() => {
                    if self.signalled.replace(signal).is_some() {
                        exit((SIGNALLED + signal).into());
                    }
                    Some(StopReason::Stopped)
                }
            };
            if let Some(reason) = reason
                && stopped.is_none()
            {
                stopped = Some(reason);
                self.stop_all();
            }
        }
        parts.sort_by_key(|(index, _)| *index);
        Ok((parts.into_iter().map(|(_, part)| part).collect(), stopped))
    }

    /// Lets every agent send nothing more; they end with what they have.
    fn stop_all(&self) {
        for link in &self.links {
            let link = Arc::clone(link);
            tokio::spawn(async move {
                if let Err(why) = link.stop().await {
                    note(&format!("{} can't be stopped: {why}", link.name));
                }
            });
        }
    }

    /// Writes the files that were asked for.
    fn end(&self) -> anyhow::Result<()> {
        if let Some(file) = &self.args.machines.save {
            machines::save(&self.saved, file)?;
        }
        if let Some(file) = &self.args.output {
            super::stored::write_requests(&self.written, file)?;
        }
        Ok(())
    }
}

/// Passes on the signals of this process.
fn pass_signals(to: UnboundedSender<u8>) {
    signals::listen(move |signal| {
        if to.send(signal).is_err() {
            exit((SIGNALLED + signal).into());
        }
    });
}

/// Why all are stopped once one has stopped so.
fn stops_others(summary: &BenchSummary) -> Option<StopReason> {
    summary.stopped.filter(|reason| {
        !matches!(
            reason,
            StopReason::Requests | StopReason::Time | StopReason::Stopped
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_that_no_agent_takes_are_refused_with_their_size() {
        let small = sent_prompts(&BenchPrompts::One("count".into())).unwrap();
        assert_eq!(&small[..], br#"{"one":"count"}"#);
        let large = BenchPrompts::One("x".repeat(MAX_PROMPTS));
        let why = sent_prompts(&large).unwrap_err().to_string();
        assert!(
            why.contains("65 MiB") && why.contains("64 MiB at most"),
            "{why}"
        );
    }
}
