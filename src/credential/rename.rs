//! Moves stored secrets when an endpoint's id changes.

use super::{Credentials, KeyError, key_owner, keyring::Op, proxy::proxy_owner};
use crate::endpoint::Endpoint;

impl Credentials {
    /// Takes what is kept for `old` along to `new`, the same endpoint under another id: its key if its
    /// origin is still the same (a key belongs to an origin), and its proxy's password if that is.
    ///
    /// # Errors
    /// The keyring's failure; what it holds is then kept under the old id.
    pub async fn rename(&self, old: &Endpoint, new: &Endpoint) -> Result<(), KeyError> {
        let key = (old.origin() == new.origin()).then(|| (key_owner(old), key_owner(new)));
        let same_proxy = old.connect.proxy == new.connect.proxy;
        let proxy = proxy_owner(old)
            .zip(proxy_owner(new))
            .filter(|_| same_proxy);
        for (from, to) in key.into_iter().chain(proxy) {
            if from != to {
                self.hand_over(from, to).await?;
            }
        }
        Ok(())
    }

    async fn hand_over(&self, from: String, to: String) -> Result<(), KeyError> {
        let (memory, keyring) = (&self.inner.memory, &self.inner.keyring);
        if let Some(secret) = memory.get(&from) {
            memory.set(to.clone(), secret);
            memory.forget(&from);
        }
        let kept = match keyring
            .call(Op::Get {
                owner: from.clone(),
            })
            .await
        {
            // Without a keyring nothing can have been kept in it.
            Ok(None) | Err(KeyError::NoKeyring(_)) => return Ok(()),
            Ok(Some(secret)) => secret,
            Err(why) => return Err(why),
        };
        // Stored under the new id before it is deleted: a failure in between loses nothing.
        let set = Op::Set {
            owner: to,
            secret: kept,
        };
        keyring.call(set).await?;
        keyring.call(Op::Forget { owner: from }).await.map(drop)
    }
}
