//! Builds a C library with make, which takes its jobs from cargo's jobserver.

use std::env;
use std::path::PathBuf;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=c");
    println!("cargo:rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap());
    let _ = std::fs::remove_dir_all(out.join("objects"));
    let mut make = Command::new("make");
    make.arg("-C").arg("c").arg(format!("OUT={}", out.display()));
    // The documented way to hand cargo's jobserver to make.
    match env::var_os("CARGO_MAKEFLAGS") {
        Some(flags) => make.env("MAKEFLAGS", flags),
        None => make.arg(format!("-j{}", env::var("NUM_JOBS").unwrap())),
    };
    let ended = make.output().expect("make is needed");
    print!("{}", String::from_utf8_lossy(&ended.stdout));
    eprint!("{}", String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "make failed: {}", ended.status);
    let seen = std::fs::read_to_string(out.join("objects/seen")).expect("make wrote what it saw");
    let most = seen.lines().filter_map(|line| line.trim().parse::<u32>().ok()).max().unwrap();
    println!("cargo:rustc-env=MOST_JOBS={most}");
    println!("cargo:rustc-link-search=native={}", out.display());
    println!("cargo:rustc-link-lib=static=parts");
}
