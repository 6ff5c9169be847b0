//! A program that calls what it is linked with.

mod calls {
    include!(concat!(env!("OUT_DIR"), "/calls.rs"));
}

fn main() {
    for (name, function) in calls::CALLS {
        println!("{name} {}", unsafe { function(1) });
    }
    for word in std::env::args().skip(1) {
        println!("{word}");
    }
}
