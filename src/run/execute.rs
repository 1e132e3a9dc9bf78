//! Executes one run: pulls its exchange, stamps, folds and reports.

use std::pin::pin;

use tokio_util::sync::CancellationToken;

use super::{Backlog, Run, RunRecord, RunSpec, RunUpdate};
use crate::{
    clock::wait_until,
    dialect::Dialect,
    event::{Event, FaultClass},
    exchange::{EndpointRequest, Exchange, ExchangeEnd, ExchangeStep, PreparedExchange},
    transport::Transport,
};

/// Executes one run: sends the request, stamps and decodes the response, passes each update to `emit`, and returns
/// the run, which is the fold of the updates. `cancel` closes the socket at once.
pub async fn execute(
    transport: &Transport,
    spec: RunSpec,
    cancel: CancellationToken,
    emit: &mut (dyn FnMut(RunUpdate) + Send),
) -> Run {
    let dialect = spec.endpoint.dialect.dialect();
    execute_in(dialect, transport, spec, cancel, emit).await
}

/// As [`execute`], in any dialect.
pub async fn execute_in(
    dialect: &Dialect,
    transport: &Transport,
    spec: RunSpec,
    cancel: CancellationToken,
    emit: &mut (dyn FnMut(RunUpdate) + Send),
) -> Run {
    let nothing_waits = Backlog::default();
    execute_paced(dialect, transport, spec, cancel, emit, &nothing_waits).await
}

/// As [`execute_in`], but pauses reading while `backlog` is full of updates that `emit` has queued.
pub async fn execute_paced(
    dialect: &Dialect,
    transport: &Transport,
    spec: RunSpec,
    cancel: CancellationToken,
    emit: &mut (dyn FnMut(RunUpdate) + Send),
    backlog: &Backlog,
) -> Run {
    let question = EndpointRequest {
        dialect,
        endpoint: &spec.endpoint,
        request: &spec.head.request,
        key: spec.key.as_ref(),
        proxy_password: spec.proxy_password.as_ref(),
        cold: spec.cold,
    };
    let prepared = PreparedExchange::chat(transport, question).await;
    let mut record = RunRecord::begin(spec.head, spec.no_key_reason, emit);
    let end = match prepared {
        Ok(prepared) => {
            let exchange = prepared.begin(record.started());
            pull(exchange, &cancel, backlog, &mut record).await
        }
        Err(fault) => ExchangeEnd {
            events: vec![Event::Fault(fault)],
            ..ExchangeEnd::default()
        },
    };
    record.step(ExchangeStep::ExchangeEnd(end.into()));
    record.into_run()
}

/// Pulls an exchange to its end. It is closed when this returns and drops it.
async fn pull(
    mut exchange: Exchange,
    cancel: &CancellationToken,
    backlog: &Backlog,
    record: &mut RunRecord<'_>,
) -> ExchangeEnd {
    let mut cancelled = pin!(cancel.cancelled());
    loop {
        let step = tokio::select! {
            biased;
            () = &mut cancelled => {
                return exchange.stop(FaultClass::Cancelled, "stopped by the user");
            },
            step = next(&mut exchange, backlog) => step,
        };
        match step {
            ExchangeStep::ExchangeEnd(end) => return *end,
            step => record.step(step),
        }
    }
}

/// The next step, once the backlog has room, but no later than the total limit.
async fn next(exchange: &mut Exchange, backlog: &Backlog) -> ExchangeStep {
    if backlog.is_full() {
        let total = exchange.total();
        tokio::select! {
            biased;
            () = backlog.room() => {}
            () = wait_until(total) => {}
        }
    }
    exchange.next().await
}
