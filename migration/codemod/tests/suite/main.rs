//! What `failpoint-migrate` finds, writes and says, run as a user runs it.

// The longest test of all. They start in the order of their names.
mod as_the_guide_says;
mod bytes;
mod cargos_part;
mod common;
mod dependants;
mod fixtures;
mod implicit;
mod left;
mod manifests;
mod names;
mod options;
mod published;
mod put_back;
mod reach;
mod report;
mod robust;
mod swap;
mod tried;
mod wrappers;
