//! What is to be done with each site.

use std::collections::{BTreeMap, HashMap};

use crate::facts::{Kind, Place, Site};
use crate::package::{NATIVE, Package};
use crate::project::Project;
use crate::reason::Reason;
use crate::resolve::{Origin, Resolved, Resolver, Way};

/// Which macros the sites are rewritten to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// `async_fail_point!` of the shim.
    Compat,
    /// `neon_failpoint::fail_point!`.
    Native,
    /// Only the macros of `implicit_await`: the ones that leave the `.await` to the caller.
    Explicit,
}

/// What the user asked for.
#[derive(Debug, Clone)]
pub struct Wishes {
    /// The target.
    pub target: Target,
    /// `--macro NAME` and `--macro NAME=TWIN`.
    pub wrappers: BTreeMap<String, Option<String>>,
    /// What may hold a value that is not Send: rewritten in any case, tried, or left.
    pub not_send: NotSend,
}

/// What becomes of a site across which a value lives that may not be Send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotSend {
    /// It is left.
    Left,
    /// It is rewritten where that is not certain: the compiler has the last word.
    Tried,
    /// It is rewritten: the code runs on one thread.
    Allowed,
}

/// What becomes of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It awaits already, or is what the target wants.
    Done,
    /// It is rewritten, to the macro that this says.
    Rewrite(Becomes),
    /// It stays, for the reason.
    Left(Reason),
    /// It only looked like a failpoint.
    Unlisted,
}

/// What is written for the macro's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Becomes {
    /// Another name in the place of the path's last segment.
    Name(String),
    /// Another path to a macro of `fail`.
    Path(String),
    /// The path to a macro of the native crate.
    Native(String),
}

/// A site's fate, and what its macro's name stands for.
#[derive(Debug, Clone)]
pub struct Decision {
    /// What becomes of it.
    pub fate: Fate,
    /// What its macro is.
    pub resolved: Resolved,
}

/// The sites that were rewritten, and must not be: file, site, and why.
pub type Refused = HashMap<(usize, usize), Reason>;

/// The decisions for all sites, file by file.
#[must_use]
pub fn decide(
    project: &Project,
    resolver: &Resolver<'_>,
    wishes: &Wishes,
    refused: &Refused,
) -> Vec<Vec<Decision>> {
    let judge = Judge {
        project,
        resolver,
        wishes,
    };
    let files = project.files.iter().enumerate().map(|(file, found)| {
        let sites = found.facts.sites.iter().enumerate();
        let decisions = sites.map(|(at, site)| {
            let resolved = resolver.site(file, site);
            let mut fate = judge.fate(file, site, &resolved);
            if let (Fate::Rewrite(_), Some(reason)) = (&fate, refused.get(&(file, at))) {
                fate = Fate::Left(reason.clone());
            }
            let moves = is_implicit(&resolved) || wishes.target != Target::Explicit;
            if matches!(fate, Fate::Rewrite(_)) && !moves {
                fate = Fate::Left(Reason::OtherTarget);
            }
            if site.kept && matches!(fate, Fate::Rewrite(_)) {
                fate = Fate::Left(Reason::Kept);
            }
            Decision { fate, resolved }
        });
        decisions.collect()
    });
    files.collect()
}

struct Judge<'a> {
    project: &'a Project,
    resolver: &'a Resolver<'a>,
    wishes: &'a Wishes,
}

impl Judge<'_> {
    fn fate(&self, file: usize, site: &Site, resolved: &Resolved) -> Fate {
        match site.kind {
            Kind::Eval => match (&resolved.origin, &site.obstacle) {
                (Origin::Fail(way), Some(obstacle)) if names_eval(site, *way) => {
                    Fate::Left(obstacle.clone())
                }
                _ => Fate::Unlisted,
            },
            Kind::Native | Kind::WithContext => match &resolved.origin {
                Origin::Other(path) if is_native(path) => Fate::Done,
                _ => Fate::Unlisted,
            },
            Kind::Sync => of_native_sync(site, resolved, "fail_point"),
            Kind::SyncWithContext => of_native_sync(site, resolved, "fail_point_with_context"),
            Kind::Pausable | Kind::SleepMillis => self.of_neon(file, site, resolved),
            Kind::Wrapper => self.of_wrapper(file, site),
            Kind::AsyncFailPoint => match (self.wishes.target, &resolved.origin) {
                (Target::Native, Origin::Fail(_)) => self.native(file, site),
                _ => Fate::Done,
            },
            Kind::FailPoint => self.of_fail(file, site, resolved),
        }
    }

    fn of_fail(&self, file: usize, site: &Site, resolved: &Resolved) -> Fate {
        let name = site.path.last().cloned().unwrap_or_default();
        let way = match &resolved.origin {
            Origin::Fail(way) => *way,
            Origin::Other(path) if is_native(path) => return Fate::Done,
            _ if name != "fail_point" => return Fate::Unlisted,
            Origin::Local if self.wishes.wrappers.contains_key(&name) => {
                return self.of_wrapper(file, site);
            }
            Origin::Other(path) if self.is_named_wrapper(path) => {
                return self.of_wrapper(file, site);
            }
            Origin::Other(path) => return Fate::Left(Reason::NotFails(path.clone())),
            Origin::Local => return Fate::Left(Reason::LocalMacro(name)),
            Origin::Ambiguous => return Fate::Left(Reason::Ambiguous(name)),
        };
        if let Some(obstacle) = self.obstacle(site) {
            return Fate::Left(obstacle.clone());
        }
        match (self.wishes.target, way) {
            (Target::Native, _) => self.native(file, site),
            (_, Way::Roundabout) => self.by_full_path(file, site),
            (_, _) => Fate::Rewrite(Becomes::Name("async_fail_point".to_owned())),
        }
    }

    /// What stands in a site's way, but for what the compiler is asked about.
    fn obstacle<'s>(&self, site: &'s Site) -> Option<&'s Reason> {
        let obstacle = site.obstacle.as_ref()?;
        let passes = match (obstacle, self.wishes.not_send) {
            (Reason::Held { .. }, NotSend::Allowed) => true,
            (Reason::Held { certain, .. }, NotSend::Tried) => !certain,
            _ => false,
        };
        (!passes).then_some(obstacle)
    }

    /// By the name that the package has for `fail`: serves wherever the name came from.
    fn by_full_path(&self, file: usize, site: &Site) -> Fate {
        let package = self.package(file);
        let names = package.map(Package::declared_names).unwrap_or_default();
        let Some(name) = names.first() else {
            let through = site.path.join("::");
            return Fate::Left(Reason::ReExport(through));
        };
        let colons = if self
            .resolver
            .modules
            .is_hidden(file, site.range.start, name)
        {
            "::"
        } else {
            ""
        };
        Fate::Rewrite(Becomes::Path(format!("{colons}{name}::async_fail_point")))
    }

    fn native(&self, file: usize, site: &Site) -> Fate {
        match (self.obstacle(site), &site.native) {
            (Some(obstacle), _) if site.kind != Kind::AsyncFailPoint || is_text(obstacle) => {
                Fate::Left(obstacle.clone())
            }
            (_, Err(reason)) => Fate::Left(reason.clone()),
            (_, Ok(_)) => Fate::Rewrite(self.of_native_crate(file, site, "fail_point")),
        }
    }

    fn of_native_crate(&self, file: usize, site: &Site, name: &str) -> Becomes {
        let names = self.package(file).map(Package::native_names);
        let names = names.unwrap_or_default();
        let native = names.first().map_or(NATIVE, String::as_str);
        let at = site.range.start;
        let colons = match self.resolver.modules.is_hidden(file, at, native) {
            true => "::",
            false => "",
        };
        Becomes::Native(format!("{colons}{native}::{name}"))
    }

    /// Neon's macros await inside; those of neon_failpoint leave that to the caller.
    fn of_neon(&self, file: usize, site: &Site, resolved: &Resolved) -> Fate {
        let is_done = match &resolved.origin {
            Origin::Other(path) if is_native(path) => true,
            _ => is_implicit(resolved) && self.wishes.target != Target::Explicit,
        };
        if site.place == Place::Awaited || is_done {
            return Fate::Done;
        }
        match &site.obstacle {
            // It awaited already: what is held across it was held before.
            None | Some(Reason::Held { .. }) => {
                let name = match site.kind {
                    Kind::Pausable => "pausable_failpoint",
                    _ => "sleep_millis_async",
                };
                Fate::Rewrite(self.of_native_crate(file, site, name))
            }
            Some(obstacle) => Fate::Left(obstacle.clone()),
        }
    }

    fn of_wrapper(&self, file: usize, site: &Site) -> Fate {
        if let Some(obstacle) = self.obstacle(site) {
            return Fate::Left(obstacle.clone());
        }
        let wrapper = site.path.last().cloned().unwrap_or_default();
        if self
            .wishes
            .wrappers
            .values()
            .flatten()
            .any(|twin| *twin == wrapper)
        {
            return Fate::Done;
        }
        let given = self.wishes.wrappers.get(&wrapper).cloned().flatten();
        let usual = format!("async_{wrapper}");
        let defined = self
            .project
            .files
            .iter()
            .flat_map(|file| &file.facts.macros);
        if let Some(twin) = given {
            return Fate::Rewrite(Becomes::Name(twin));
        }
        if defined.clone().any(|m| m.name == usual) {
            return Fate::Rewrite(Becomes::Name(usual));
        }
        let mut own = defined.filter(|m| m.name == wrapper).peekable();
        // One for builds without failpoints may stand beside it: both have to.
        if own.peek().is_some() && own.all(|m| m.forwards) {
            return match self.wishes.target {
                Target::Native => self.native(file, site),
                Target::Compat | Target::Explicit => self.by_full_path(file, site),
            };
        }
        Fate::Left(Reason::NoTwin {
            wrapper,
            twin: usual,
        })
    }

    /// A macro that `--macro` names, by the path of the project's package that exports it.
    fn is_named_wrapper(&self, path: &str) -> bool {
        let path = path.trim_start_matches("::");
        let (Some((head, _)), Some((_, name))) = (path.split_once("::"), path.rsplit_once("::"))
        else {
            return false;
        };
        let of_head = |package: usize| {
            let package = self.project.packages.get(package);
            package.is_some_and(|package| package.name.replace('-', "_") == head)
        };
        let mut files = self.project.files.iter();
        self.wishes.wrappers.contains_key(name)
            && files.any(|file| {
                let mut macros = file.facts.macros.iter();
                of_head(file.package) && macros.any(|m| m.exported && m.name == name)
            })
    }

    fn package(&self, file: usize) -> Option<&Package> {
        let package = self.project.files.get(file)?.package;
        self.project.packages.get(package)
    }
}

/// Whether a call of `eval` is one of `fail`'s: any function may have that name.
fn names_eval(site: &Site, way: Way) -> bool {
    match way {
        Way::Path | Way::Import | Way::Glob => true,
        Way::Roundabout => site.path.len() > 1,
        Way::MacroUse(..) => false,
    }
}

/// A macro of the native crate that blocks: right in sync code.
fn of_native_sync(site: &Site, resolved: &Resolved, awaits: &'static str) -> Fate {
    match &resolved.origin {
        Origin::Other(path) if is_native(path) => {
            let reason = site.obstacle.clone();
            Fate::Left(reason.unwrap_or(Reason::Blocks(awaits)))
        }
        _ => Fate::Unlisted,
    }
}

/// Whether a macro is one of the native crate that awaits inside.
pub(crate) fn is_implicit(resolved: &Resolved) -> bool {
    let implicit = format!("{NATIVE}::failpoint_support::implicit_await::");
    matches!(&resolved.origin, Origin::Other(path) if path.starts_with(&implicit))
}

/// Of the native crate, and not one of the forms that await inside.
fn is_native(path: &str) -> bool {
    path.trim_start_matches("::")
        .starts_with("neon_failpoint::")
        && !path.contains("::implicit_await::")
        && !path.contains("::compat::")
}

/// Obstacles that lie in how the site is written, not in what surrounds it.
fn is_text(reason: &Reason) -> bool {
    matches!(
        reason,
        Reason::OtherMacro(_) | Reason::MacroDefinition(_) | Reason::Unparsed | Reason::Included(_)
    )
}
