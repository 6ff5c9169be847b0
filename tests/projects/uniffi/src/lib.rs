uniffi::setup_scaffolding!();
shapes::uniffi_reexport_scaffolding!();

#[uniffi::export]
fn count_words(text: String) -> u32 {
    text.split_whitespace().count() as u32
}
