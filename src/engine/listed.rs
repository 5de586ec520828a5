//! The list of the call sites that are compiled in.
//!
//! The macros place the static of each call site in a section of the program of its own, and the
//! linker puts them side by side: to be listed costs a call site nothing, and nothing runs before
//! `main`. Where linkers are not known to do that the list is empty, and everything else works.

use std::sync::OnceLock;

use crate::engine::site::Site;

#[cfg(not(all(
    feature = "testing",
    not(miri),
    any(
        target_os = "android",
        target_os = "freebsd",
        target_os = "fuchsia",
        target_os = "illumos",
        target_os = "ios",
        target_os = "linux",
        target_os = "macos",
        target_os = "openbsd",
        target_os = "tvos",
        target_os = "windows",
    )
)))]
mod list {
    use crate::engine::site::Site;

    /// Returns no call sites: on this target they cannot be found.
    pub fn sites() -> impl Iterator<Item = &'static Site> {
        std::iter::empty()
    }

    #[cfg(feature = "testing")]
    #[doc(hidden)]
    #[macro_export]
    macro_rules! __listed {
        ($name:ident = $site:expr) => {
            static $name: $crate::__private::Site = $site;
        };
    }
}

#[cfg(all(
    feature = "testing",
    not(miri),
    any(
        target_os = "android",
        target_os = "freebsd",
        target_os = "fuchsia",
        target_os = "illumos",
        target_os = "ios",
        target_os = "linux",
        target_os = "macos",
        target_os = "openbsd",
        target_os = "tvos",
        target_os = "windows",
    )
))]
mod list {
    use std::panic::catch_unwind;
    use std::sync::OnceLock;

    use crate::engine::site::Site;

    /// Its name is that of the section, and has the version in it: another version of this crate in the
    /// same program has a section of its own.
    #[linkme::distributed_slice]
    pub static NEON_FAILPOINT_SITES_0_1: [Site];

    /// Returns the call sites compiled into this program.
    ///
    /// None of them, if another copy of this version is in the program: what is in the section is then
    /// not known to be all of this copy's type. (linkme panics, which prints that; a later call does
    /// not ask again.)
    pub fn sites() -> impl Iterator<Item = &'static Site> {
        // Filled by code that waits for nothing (I5).
        static SITES: OnceLock<&[Site]> = OnceLock::new();
        let linked = || catch_unwind(|| NEON_FAILPOINT_SITES_0_1.static_slice());
        SITES.get_or_init(|| linked().unwrap_or_default()).iter()
    }

    #[doc(hidden)]
    #[macro_export]
    macro_rules! __listed {
        ($name:ident = $site:expr) => {
            #[$crate::__private::linkme::distributed_slice(
                $crate::__private::NEON_FAILPOINT_SITES_0_1
            )]
            #[linkme(crate = $crate::__private::linkme)]
            static $name: $crate::__private::Site = $site;
        };
    }

    #[cfg(all(test, not(neon_failpoint_loom)))]
    #[test]
    fn the_section_is_this_versions() {
        let (major, minor) = (
            env!("CARGO_PKG_VERSION_MAJOR"),
            env!("CARGO_PKG_VERSION_MINOR"),
        );
        let name = stringify!(NEON_FAILPOINT_SITES_0_1);
        assert_eq!(name, format!("NEON_FAILPOINT_SITES_{major}_{minor}"));
    }
}

pub use list::*;

/// Returns the call sites, sorted by name, file and line.
pub(crate) fn by_name() -> &'static [&'static Site] {
    // Filled by our own code alone, which waits for nothing (I5).
    static BY_NAME: OnceLock<Vec<&'static Site>> = OnceLock::new();
    BY_NAME.get_or_init(|| {
        let mut sites: Vec<_> = sites().collect();
        sites.sort_unstable_by_key(|site| (site.name(), site.file(), site.line()));
        sites
    })
}
