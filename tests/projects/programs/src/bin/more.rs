fn main() {
    println!("more");
}
