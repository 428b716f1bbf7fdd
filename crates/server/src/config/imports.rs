//! `[imports]`: files that people send.

use super::keys::{Key, Keys, key};

/// `[imports]`.
#[derive(Clone, Copy, Debug)]
pub struct Imports {
    /// The largest file that is taken, in bytes.
    pub largest_file: usize,
}

pub(super) static KEYS: &[Key] = &[key(
    "imports.largest_file_mib",
    "20",
    "The largest file that can be imported, in MiB (1 to 64). A server reads the whole of it into memory, and keeps it in \
     the database.",
)];

/// What the reader takes at most.
const MOST: u32 = 64;

impl Imports {
    pub(super) fn read(keys: &mut Keys) -> Imports {
        let mib = keys.integer("imports.largest_file_mib", 1, MOST).unwrap_or(20);
        Imports { largest_file: (mib as usize) << 20 }
    }
}
