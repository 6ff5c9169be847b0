fn main() {
    let words: usize = std::env::args().skip(1).map(|line| line.split_whitespace().count()).sum();
    println!("{words}");
}
