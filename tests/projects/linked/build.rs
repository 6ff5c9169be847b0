//! Links the libraries that LINKS names, by their files, so that no development package is needed.
//!
//! LINKS holds words like `/usr/lib/libx.so.1:x_version`: a library, and a function of it that returns a number.

use std::env;
use std::fmt::Write;
use std::fs;
use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=LINKS");
    let links = env::var("LINKS").unwrap_or_default();
    let mut declared = String::new();
    let mut called = String::new();
    for word in links.split_whitespace() {
        let (file, function) = word.rsplit_once(':').expect("LINKS is FILE:FUNCTION ...");
        let folder = Path::new(file).parent().expect("FILE has a folder");
        println!("cargo:rustc-link-search=native={}", folder.display());
        println!("cargo:rustc-link-arg={file}");
        writeln!(declared, "    fn {function}(number: usize) -> i32;").unwrap();
        writeln!(called, "    ({function:?}, {function}),").unwrap();
    }
    let text = format!(
        "extern \"C\" {{\n{declared}}}\n\
         pub const CALLS: &[(&str, unsafe extern \"C\" fn(usize) -> i32)] = &[\n{called}];\n"
    );
    fs::write(Path::new(&env::var("OUT_DIR").unwrap()).join("calls.rs"), text).unwrap();
}
