//! Says on stderr what becomes of the history while the gateway serves: requests go on without it.

use tokio::sync::watch;

use crate::{cli::note, history::Storage};

/// Tells of each change, until the history ends.
pub(super) async fn tell(mut storage: watch::Receiver<Option<Storage>>) {
    let mut told = Storage::Ok;
    loop {
        let state = storage.borrow_and_update().clone();
        if let Some(state) = state.filter(|state| *state != told) {
            note(&words(&state));
            told = state;
        }
        if storage.changed().await.is_err() {
            return;
        }
    }
}

fn words(storage: &Storage) -> String {
    match storage {
        Storage::Ok => "the history is written again".to_owned(),
        Storage::SetAside { kept_as, why } => {
            let kept_as = kept_as.display();
            format!(
                "the history could not be read ({why}) and was begun anew; the old file is {kept_as}"
            )
        }
        Storage::ReadOnly { why } | Storage::Failing { why } => {
            format!("requests are answered, and not kept in the history: {why}")
        }
    }
}
