//! One agent's part of a bench: its order, what it sends until the end, and its clock.

use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::mpsc::UnboundedSender;

use super::link::{AgentStream, SharedLink};
use crate::{
    bench::{
        BenchId,
        offset::{ClockOffset, MeasuredClock},
        order::{AgentNews, AgentProgress, BenchOrder},
        part::{BenchPart, PartEnd, PartHead, PartSection, SectionReader, of_json},
    },
    cli::note,
    clock::now,
    visible::visible_line,
};

/// Round trips before and after a bench.
pub(super) const TRIPS: u32 = 12;

/// Round trips meanwhile, which tell the agent that its driver is there, too.
const TRIPS_MEANWHILE: u32 = 3;

/// The time between them.
const BETWEEN: Duration = Duration::from_secs(5);

/// An agent that says nothing for so long is lost. It tells how it goes twice a second.
const SILENCE: Duration = Duration::from_secs(20);

/// One agent's part of a bench.
pub(super) struct AgentPart {
    link: SharedLink,
    /// Its place among the agents.
    index: usize,
    progress: UnboundedSender<(usize, AgentProgress)>,
    part: BenchPart,
    clock: MeasuredClock,
}

impl AgentPart {
    /// A part that is not ordered yet.
    pub(super) fn new(
        link: SharedLink,
        index: usize,
        order: &BenchOrder,
        (session, before): (i64, ClockOffset),
        progress: UnboundedSender<(usize, AgentProgress)>,
    ) -> Self {
        let part = BenchPart {
            head: PartHead {
                id: BenchId::new(),
                machine: link.name.clone(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                plan: order.plan.clone(),
                began_unix_ns: None,
                clock: None,
            },
            blocks: Vec::new(),
            end: PartEnd::default(),
        };
        Self {
            link,
            index,
            progress,
            part,
            clock: MeasuredClock {
                session,
                before,
                after: None,
            },
        }
    }

    /// Orders it, and takes what comes until it is over or lost.
    pub(super) async fn run(mut self, order: BenchOrder) -> BenchPart {
        let followed = match self.link.run(&order).await {
            Ok(stream) => self.follow(stream).await,
            Err(why) => Err(why),
        };
        match followed {
            Ok(()) => self.read_clock(TRIPS).await,
            Err(why) => {
                note(&format!("{} is lost: {why}", self.link.name));
                self.part.end.lost = Some(why);
            }
        }
        self.part.head.clock = Some(self.clock);
        self.part
    }

    async fn follow(&mut self, mut stream: AgentStream) -> Result<(), String> {
        let mut reader = SectionReader::default();
        let (mut next_clock, mut silent_at) = (now() + BETWEEN, now() + SILENCE);
        loop {
            let chunk = tokio::select! {
                biased;
                chunk = stream.next() => chunk,
                () = tokio::time::sleep_until(silent_at.into()) => {
                    return Err(format!("it said nothing for {} s", SILENCE.as_secs()));
                }
                () = tokio::time::sleep_until(next_clock.into()) => {
                    self.read_clock(TRIPS_MEANWHILE).await;
                    next_clock = now() + BETWEEN;
                    continue;
                }
            };
            silent_at = now() + SILENCE;
            let chunk = chunk.ok_or("its connection ended in the middle of the bench")?;
            let chunk = chunk.map_err(|fault| fault.to_string())?;
            reader.push(&chunk.bytes);
            while let Some(section) = reader.next_section().map_err(|why| why.to_string())? {
                if self.take(section)? {
                    return Ok(());
                }
            }
        }
    }

    /// Takes a section. Gives whether it was the last.
    fn take(&mut self, section: PartSection) -> Result<bool, String> {
        let json = match section {
            PartSection::Block(block) => {
                self.part.blocks.push(block);
                return Ok(false);
            }
            PartSection::News(json) => json,
            PartSection::Head(_) | PartSection::End(_) => {
                return Err("it sent what no agent sends".to_owned());
            }
        };
        match of_json(&json).map_err(|why| why.to_string())? {
            AgentNews::Accepted { id } => self.part.head.id = id,
            AgentNews::Began { unix_ns } => self.part.head.began_unix_ns = Some(unix_ns),
            AgentNews::Progress(progress) => {
                // Nobody listens once all is over.
                let _ = self.progress.send((self.index, progress));
            }
            AgentNews::Over {
                summary,
                first_fault,
            } => {
                if let Some(fault) = first_fault {
                    let fault = visible_line(&fault);
                    note(&format!("{}: the first failure: {fault}", self.link.name));
                }
                self.part.end.summary = Some(*summary);
                return Ok(true);
            }
            AgentNews::Refused { why } => return Err(visible_line(&why).into_owned()),
        }
        Ok(false)
    }

    /// Asks for its time. Where it does not answer, what was known before stays.
    async fn read_clock(&mut self, trips: u32) {
        match self.link.clock(trips).await {
            Ok(offset) => self.clock.after = Some(offset),
            Err(why) => tracing::warn!("the clock of {} can't be read: {why}", self.link.name),
        }
    }
}
