fn main() {
    println!("Hello from a program");
}
