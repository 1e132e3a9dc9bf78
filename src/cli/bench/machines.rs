//! The arguments for benches of several machines, and a bench as a file.

use std::path::{Path, PathBuf};

use url::Url;

use super::{keeping::KeptRequests, numbered};
use crate::{
    bench::{
        BenchId, BenchPlan, BenchSummary, columns,
        part::{BenchPart, PartEnd, PartHead, encode_file},
        share::LoadShare,
    },
    cli::{UsageError, agent_token::AgentTokenArgs, note},
    private,
    transport::is_this_machine,
    visible::visible_line,
};

/// Heading of the help.
const MACHINES: &str = "Several machines";

/// The port of an agent that names none.
const USUAL_PORT: u16 = 9464;

/// Requests of a block of a file.
const BLOCK: usize = 1 << 14;

/// Which machines send the load.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = MACHINES)]
pub(super) struct MachineArgs {
    /// Let these agents (`tokenscope probe --listen ADDRESS --accept-benches`) send the load together, each its part, to
    /// a target of their own settings. Other machines are reached by https.
    #[arg(long, value_name = "HOST:PORT,…", value_delimiter = ',', value_parser = agent, requires = "targets", conflicts_with_all = ["share", "search", "list", "show", "delete", "dry_run", "base_url"])]
    pub(super) agents: Vec<AgentAddress>,

    #[command(flatten)]
    pub(super) token: AgentTokenArgs,

    /// A file with the certificate of the authority that the agents wrote (their --tls-ca-out), or of several.
    #[arg(long, value_name = "FILE", requires = "agents")]
    pub(super) agent_ca: Option<String>,

    /// Send one part of the load alone: 0/4 is the first of four. For machines that nobody drives, as in a Kubernetes
    /// Job; `tokenscope merge` puts their files together.
    #[arg(long, value_name = "I/N", value_parser = share, conflicts_with = "search")]
    share: Option<LoadShare>,

    /// Write the bench with all its requests to this file, for `tokenscope merge`. Of several benches each gets a number
    /// in its file's name.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["list", "show", "delete"])]
    pub(super) save: Option<PathBuf>,
}

/// Where an agent is.
#[derive(Clone, Debug)]
pub(super) struct AgentAddress {
    /// As it was given.
    pub name: String,
    /// Its server.
    pub url: Url,
}

/// Reads where an agent is.
fn agent(text: &str) -> Result<AgentAddress, String> {
    let parse = |text: &str| -> Result<Url, String> {
        text.parse()
            .map_err(|why| format!("“{text}” is no address of an agent: {why}"))
    };
    let mut url = if text.contains("://") {
        parse(text)?
    } else {
        let url = parse(&format!("https://{text}"))?;
        if is_this_machine(&url) {
            parse(&format!("http://{text}"))?
        } else {
            url
        }
    };
    if url.scheme() != "https" && !(url.scheme() == "http" && is_this_machine(&url)) {
        return Err(
            "another machine is reached by https alone, as the token goes there".to_owned(),
        );
    }
    if url.port().is_none() && !text.contains("://") {
        // Only a URL without a host has no port.
        let _ = url.set_port(Some(USUAL_PORT));
    }
    url.set_path("/");
    Ok(AgentAddress {
        name: text.to_owned(),
        url,
    })
}

/// Reads a part of a load.
fn share(text: &str) -> Result<LoadShare, String> {
    let number = |text: &str| text.trim().parse().ok();
    let share = text.split_once('/').and_then(|(index, of)| {
        let of = number(of).filter(|of| *of <= 100_000)?;
        LoadShare::new(number(index)?, of)
    });
    share.ok_or_else(|| "a part is its number from 0 and how many there are: 0/4 to 3/4".to_owned())
}

impl MachineArgs {
    /// This machine's part of the load.
    pub(super) fn share(&self) -> LoadShare {
        self.share.unwrap_or(LoadShare::whole())
    }

    /// This machine's part of each plan.
    pub(super) fn shared(&self, plans: &[BenchPlan]) -> Result<Vec<BenchPlan>, UsageError> {
        let plans = plans.iter().map(|plan| plan.share(self.share()));
        plans.collect::<Result<_, _>>().map_err(UsageError::new)
    }
}

/// A bench that is over as this machine's part, with all its requests.
pub(super) fn part(
    kept: &KeptRequests,
    (id, plan, summary): (BenchId, &BenchPlan, &BenchSummary),
) -> std::io::Result<BenchPart> {
    let blocks = kept.requests.chunks(BLOCK).map(columns::encode);
    Ok(BenchPart {
        blocks: blocks.collect::<Result<_, _>>()?,
        head: PartHead {
            id,
            machine: this_machine(id),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            plan: plan.clone(),
            began_unix_ns: kept.began_unix_ns,
            clock: None,
        },
        end: PartEnd {
            summary: Some(summary.clone()),
            lost: None,
        },
    })
}

/// What this machine calls itself; where the system does not say, the bench stands for it.
fn this_machine(id: BenchId) -> String {
    let named = |variable: &str| std::env::var(variable).ok();
    let name = named("HOSTNAME").or_else(|| named("COMPUTERNAME"));
    let name = name.or_else(|| std::fs::read_to_string("/proc/sys/kernel/hostname").ok());
    let name = name.map(|name| visible_line(name.trim()).into_owned());
    name.filter(|name| !name.is_empty())
        .unwrap_or_else(|| format!("machine of bench {}", id.0))
}

/// Writes the parts of each bench to a file.
pub(super) fn save(benches: &[Vec<BenchPart>], file: &Path) -> anyhow::Result<()> {
    for (n, parts) in benches.iter().enumerate() {
        let to = numbered(file, n, benches.len());
        private::write_out(&to, &encode_file(parts)?)?;
        note(&format!("the bench is written to {}", to.display()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_machines_are_reached_by_tls_alone() {
        for (text, url) in [
            ("127.0.0.1:9464", "http://127.0.0.1:9464/"),
            ("localhost", "http://localhost:9464/"),
            ("[::1]:7", "http://[::1]:7/"),
            ("load-1.internal:9000", "https://load-1.internal:9000/"),
            ("10.0.0.7", "https://10.0.0.7:9464/"),
            ("https://10.0.0.7/x", "https://10.0.0.7/"),
            ("http://127.0.0.1:1", "http://127.0.0.1:1/"),
        ] {
            assert_eq!(agent(text).unwrap().url.as_str(), url, "{text}");
        }
        for text in ["http://10.0.0.7:9464", "", "ftp://localhost", "a b:1", ":1"] {
            assert!(agent(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_part_has_a_number_below_their_count() {
        assert_eq!(share("2/3"), Ok(LoadShare::new(2, 3).unwrap()));
        for text in ["3/3", "0/0", "1", "", "a/b", "-1/2", "0/1000000"] {
            assert!(share(text).is_err(), "{text}");
        }
    }
}
