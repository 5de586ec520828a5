//! What `failpoint-migrate` finds, writes and says, run as a user runs it.

mod bytes;
mod cargos_part;
mod common;
mod dependants;
mod fixtures;
mod guide;
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
