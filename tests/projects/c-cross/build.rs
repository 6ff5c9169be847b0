//! Compiles the C file with the compiler of the target.

fn main() {
    println!("cargo:rerun-if-changed=c/scale.c");
    let mut build = cc::Build::new();
    build.file("c/scale.c").warnings(false);
    if std::env::var_os("CARGO_FEATURE_FRAGILE").is_some() {
        build.define("FRAGILE", None);
    }
    build.compile("scale");
}
