//! Executes one run: pulls its exchange, stamps, folds and reports.

use std::pin::pin;

use tokio_util::sync::CancellationToken;

use super::{Backlog, Run, RunRecord, RunSpec, RunStop, RunUpdate, stop::blame_sleep};
use crate::{
    clock::{slept, wait_until},
    dialect::Dialect,
    event::Event,
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
    execute_paced(
        dialect,
        transport,
        spec,
        cancel.into(),
        emit,
        &nothing_waits,
    )
    .await
}

/// As [`execute_in`], but pauses reading while `backlog` is full of updates that `emit` has queued.
pub async fn execute_paced(
    dialect: &Dialect,
    transport: &Transport,
    spec: RunSpec,
    stop: RunStop,
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
    let (slept_before, origin) = (slept(), spec.head.origin);
    let mut record = RunRecord::begin(spec.head, spec.no_key_reason, emit);
    let mut end = match prepared {
        Ok(prepared) => {
            let exchange = prepared.begin(record.started());
            // In a box: it is most of what a run takes while it waits.
            Box::pin(pull(exchange, &stop, backlog, &mut record)).await
        }
        Err(fault) => ExchangeEnd {
            events: vec![Event::Fault(fault)],
            ..ExchangeEnd::default()
        },
    };
    blame_sleep(&mut end, slept().saturating_sub(slept_before), origin);
    record.step(ExchangeStep::ExchangeEnd(end.into()));
    record.into_run()
}

/// Pulls an exchange to its end. It is closed when this returns and drops it.
async fn pull(
    mut exchange: Exchange,
    early_end: &RunStop,
    backlog: &Backlog,
    record: &mut RunRecord<'_>,
) -> ExchangeEnd {
    let mut ended = pin!(early_end.stopped());
    loop {
        let step = tokio::select! {
            biased;
            (class, why) = &mut ended => return exchange.stop(class, why),
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
