//! `list-public-api FILE`: the public items of a crate, one a line, from the JSON that rustdoc made of
//! it. Left out is what is the compiler's and differs between its versions: implementations of blanket
//! and auto traits, and the marker that comes with a derived `PartialEq`.

#![forbid(unsafe_code)]

use std::error::Error;
use std::process::ExitCode;

fn list(file: &str) -> Result<(), Box<dyn Error>> {
    let api = public_api::Builder::from_rustdoc_json(file)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .build()?;
    let items = api.items().map(ToString::to_string);
    for item in items.filter(|item| !item.contains("StructuralPartialEq")) {
        println!("{item}");
    }
    Ok(())
}

fn main() -> ExitCode {
    let Some(file) = std::env::args().nth(1) else {
        eprintln!("list-public-api FILE: the public items of a crate, from rustdoc's JSON");
        return ExitCode::from(2);
    };
    match list(&file) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{file} is not JSON that this version of public-api reads: {error}");
            ExitCode::from(2)
        }
    }
}
