//! A program of the workspace that no wheel holds.

fn main() {
    println!("{}", workspace_core::squares(4));
}
