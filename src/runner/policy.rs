//! Which bundles' scripts may run, and how they are kept from the rest of the machine.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::bubblewrap;

/// How hook scripts are kept from the rest of the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// Bubblewrap: the host's root is laid over `/`, and `CDCTL_HOST_ROOT` is `/`.
    Bubblewrap,
    /// None: the scripts run as the user who runs the tool, starting in the host's root.
    #[default]
    None,
}

impl Isolation {
    /// The best that this machine offers: [`Isolation::Bubblewrap`] where it is installed and this user may use it.
    pub fn best() -> Isolation {
        Isolation::lack().map_or(Isolation::Bubblewrap, |_| Isolation::None)
    }

    /// Why [`Isolation::Bubblewrap`] is not to be had, and what to do; nothing where it is.
    pub fn lack() -> Option<String> {
        bubblewrap::lack()
    }
}

/// Which bundles' scripts may run.
#[derive(Clone, Debug, Default)]
pub struct HookPolicy {
    /// How scripts are kept from the rest of the machine; what is isolated may run.
    pub isolation: Isolation,
    /// `--allow-host-hooks`: they may run without isolation; isolated ones reach the machine's network.
    pub allow_host_hooks: bool,
    /// The SHA-256, in lower-case hexadecimal digits, of the bundles that may run in any case.
    pub trusted: BTreeSet<String>,
}

impl HookPolicy {
    /// Whether scripts of this bundle, a file, may run. One that cannot be read is not trusted.
    pub(super) fn admits(&self, bundle: &Path) -> bool {
        self.isolation != Isolation::None
            || self.allow_host_hooks
            || (!self.trusted.is_empty() && sha256(bundle).is_ok_and(|sha256| self.trusted.contains(&sha256)))
    }
}

fn sha256(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(&mut File::open(path)?, &mut hasher)?;
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
