//! The command line.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};

use crate::check::Features;
use crate::decide::{NotSend, Target, Wishes};
use crate::error::Error;

/// Finds the failpoints of a project on `fail`, and moves those in async code to macros that await.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Exit status: 0 fine; 1 `--check` found something to rewrite; 2 wrong usage, a file that cannot be read or written, a tree with uncommitted changes, or one that did not build before."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List every failpoint: where it is, what can be done, and why not
    Scan(Scan),
    /// Rewrite what is safe, in place
    Rewrite(Rewrite),
}

/// What both commands take.
#[derive(Debug, Args)]
pub struct Common {
    /// Folders and `.rs` files
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Which macros to rewrite to
    #[arg(long, value_enum, default_value_t = To::Compat)]
    pub to: To,
    /// A macro of the project that wraps `fail_point!`; TWIN is its async one, `async_NAME` if it is not said
    #[arg(long = "macro", value_name = "NAME[=TWIN]", value_parser = wrapper)]
    pub macros: Vec<(String, Option<String>)>,
    /// Rewrite where a value that is not Send is held, too: for code that runs on one thread
    #[arg(long)]
    pub allow_not_send: bool,
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
}

/// `scan`.
#[derive(Debug, Args)]
pub struct Scan {
    /// What both commands take.
    #[command(flatten)]
    pub common: Common,
}

/// `rewrite`.
#[derive(Debug, Args)]
pub struct Rewrite {
    /// What both commands take.
    #[command(flatten)]
    pub common: Common,
    /// Print the edits instead of making them
    #[arg(long)]
    pub diff: bool,
    /// Make no edits, and end with status 1 if there is something to rewrite
    #[arg(long)]
    pub check: bool,
    /// Rewrite a tree with uncommitted changes, too
    #[arg(long)]
    pub allow_dirty: bool,
    /// Do not run `cargo check` on the packages after the edits
    #[arg(long)]
    pub no_check: bool,
    /// Leave Cargo.toml alone, and say what to add
    #[arg(long)]
    pub no_manifest: bool,
    /// Features for `cargo check`; those that compile the failpoints if none are given
    #[arg(long, value_name = "FEATURES", value_delimiter = ',')]
    pub features: Vec<String>,
    /// `cargo check` with all features
    #[arg(long)]
    pub all_features: bool,
    /// `cargo check` without the default features
    #[arg(long)]
    pub no_default_features: bool,
}

/// The targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum To {
    /// `async_fail_point!` of the package that stands in for `fail`
    Compat,
    /// `neon_failpoint::fail_point!`
    Native,
    /// `.await` in the open for the macros of `implicit_await`, and nothing else
    Explicit,
}

fn wrapper(text: &str) -> Result<(String, Option<String>), String> {
    let (name, twin) = match text.split_once('=') {
        Some((name, twin)) => (name, Some(twin)),
        None => (text, None),
    };
    for part in std::iter::once(name).chain(twin) {
        if syn::parse_str::<syn::Ident>(part).is_err() {
            return Err(format!(
                "`{part}` is not the name of a macro: give NAME or NAME=TWIN, without path and `!`"
            ));
        }
    }
    Ok((name.to_owned(), twin.map(str::to_owned)))
}

impl Cli {
    /// Reads the program's arguments. Ends the program where they are wrong, or ask for help.
    #[must_use]
    pub fn read() -> Cli {
        let wrong = match Cli::try_parse() {
            Ok(cli) => return cli,
            Err(error) => error,
        };
        let option = match wrong.get(ContextKind::InvalidArg) {
            Some(ContextValue::String(option)) => option.clone(),
            _ => String::new(),
        };
        let rewrite = Cli::command().find_subcommand("rewrite").cloned();
        let mut options = rewrite.iter().flat_map(clap::Command::get_arguments);
        let of_rewrite = options.any(|known| {
            let long = known.get_long();
            long.is_some_and(|long| option.strip_prefix("--") == Some(long))
        });
        if wrong.kind() == ErrorKind::UnknownArgument && of_rewrite {
            let words = format!("`{option}` is an option of `rewrite`; `scan` writes nothing");
            Cli::command()
                .error(ErrorKind::UnknownArgument, words)
                .exit();
        }
        wrong.exit()
    }
}

impl Common {
    /// What the user asked for.
    ///
    /// # Errors
    ///
    /// Where a wrapper was given two twins, or has the name of a known macro.
    pub fn wishes(&self) -> Result<Wishes, Error> {
        let mut wrappers = BTreeMap::new();
        for (name, twin) in &self.macros {
            let known = [
                "async_fail_point",
                "pausable_failpoint",
                "sleep_millis_async",
            ];
            // A project may have a wrapper of the same name as any other macro.
            if known.contains(&name.as_str()) {
                return Err(Error::new(format!(
                    "`--macro {name}`: that is a macro that is looked for anyway, and no wrapper \
                     of yours; leave the option away, or give the wrapper's own name"
                )));
            }
            let before = wrappers.insert(name.clone(), twin.clone());
            if before.is_some_and(|before| before != *twin) {
                return Err(Error::new(format!(
                    "`--macro {name}` is given twice, with two twins"
                )));
            }
        }
        Ok(Wishes {
            target: match self.to {
                To::Compat => Target::Compat,
                To::Native => Target::Native,
                To::Explicit => Target::Explicit,
            },
            wrappers,
            not_send: match self.allow_not_send {
                true => NotSend::Allowed,
                false => NotSend::Tried,
            },
        })
    }
}

impl Rewrite {
    /// The features to check with.
    #[must_use]
    pub fn check_features(&self) -> Features {
        Features {
            named: self.features.clone(),
            all: self.all_features,
            no_default: self.no_default_features,
        }
    }
}
