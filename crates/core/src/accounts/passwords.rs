use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use kalends_kernel::Secret;
use tokio::sync::Semaphore;

use super::Password;

/// What a password hash costs. The defaults are OWASP's for argon2id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cost {
    /// KiB of memory.
    pub memory: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Default for Cost {
    fn default() -> Self {
        Cost { memory: 19_456, passes: 2, lanes: 1 }
    }
}

/// Why a password could not be hashed or checked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PasswordsError {
    /// Too many people are signing in at this moment.
    #[error("too many passwords are waiting to be checked")]
    Busy,
    /// The cost makes no sense, or the machine has no memory or randomness left.
    #[error("a password could not be hashed: {0}")]
    Failed(String),
}

/// Hashing and checking of passwords (argon2id). It takes tens of milliseconds of a core and megabytes, so it runs off
/// the async threads, on as many cores as there are and no more; who comes when too many wait is told to come back.
#[derive(Clone)]
pub struct Passwords(Arc<Inner>);

struct Inner {
    argon: Argon2<'static>,
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// Checked when there is no account, so that the answer takes as long as for a wrong password.
    dummy: String,
    checks: AtomicU64,
}

/// How many passwords may wait for a core.
const QUEUE: usize = 256;

impl Passwords {
    /// A hasher of this cost. (It makes one hash to begin with.)
    pub fn new(cost: Cost) -> Result<Passwords, PasswordsError> {
        let params = Params::new(cost.memory, cost.passes, cost.lanes, None).map_err(failed)?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let dummy = argon.hash_password(b"no account has this password").map_err(failed)?.to_string();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Passwords(Arc::new(Inner {
            argon,
            running: Arc::new(Semaphore::new(cores)),
            waiting: Arc::new(Semaphore::new(QUEUE)),
            dummy,
            checks: AtomicU64::new(0),
        })))
    }

    /// The hash of a password, with a fresh salt, in the PHC text form that also names its cost.
    pub async fn hash(&self, password: &Password) -> Result<String, PasswordsError> {
        let password = password.secret();
        self.run(move |argon| Ok(argon.hash_password(password.reveal().as_bytes()).map_err(failed)?.to_string())).await
    }

    /// Whether this is the password behind the hash. Without a hash the same work is done for nothing.
    pub async fn check(&self, hash: Option<&str>, password: &Secret) -> Result<bool, PasswordsError> {
        let real = hash.is_some();
        let hash = hash.unwrap_or(&self.0.dummy).to_owned();
        let password = password.clone();
        let same = self
            .run(move |argon| {
                let hash = PasswordHash::new(&hash).map_err(failed)?;
                match argon.verify_password(password.reveal().as_bytes(), &hash) {
                    Ok(()) => Ok(true),
                    Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
                    Err(other) => Err(failed(other)),
                }
            })
            .await?;
        self.0.checks.fetch_add(1, Ordering::Relaxed);
        Ok(same && real)
    }

    /// How many passwords were checked so far, those of nobody included.
    pub fn checks(&self) -> u64 {
        self.0.checks.load(Ordering::Relaxed)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon2<'_>) -> Result<T, PasswordsError> + Send + 'static,
    ) -> Result<T, PasswordsError> {
        let place = self.0.waiting.clone().try_acquire_owned().map_err(|_| PasswordsError::Busy)?;
        let core = self.0.running.clone().acquire_owned().await.map_err(failed)?;
        let inner = self.0.clone();
        let work = move || {
            // The permits go with the work: it runs on when the caller has gone away.
            let _kept = (place, core);
            work(&inner.argon)
        };
        tokio::task::spawn_blocking(work).await.map_err(failed)?
    }
}

fn failed(why: impl std::fmt::Display) -> PasswordsError {
    PasswordsError::Failed(why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_check_without_an_account_does_the_same_work_and_never_succeeds() {
        let passwords = Passwords::new(Cost { memory: 16, passes: 1, lanes: 1 }).expect("a cost");
        let hash = passwords.hash(&Password::parse("correct horse").expect("long enough")).await.expect("hashed");
        assert!(hash.starts_with("$argon2id$v=19$m=16,t=1,p=1$"), "{hash}");
        let check =
            async |hash: Option<&str>, text: &str| passwords.check(hash, &Secret::new(text)).await.expect("checked");
        assert!(check(Some(&hash), "correct horse").await);
        assert!(!check(Some(&hash), "correct horse ").await);
        assert!(!check(None, "no account has this password").await);
        assert_eq!(passwords.checks(), 3);
    }
}
