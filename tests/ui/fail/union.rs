use mtask::delayed_init;

#[delayed_init]
union Bits {
    whole: u32,
    parts: [u8; 4],
}

fn main() {
    let _ = Bits { whole: 1 };
}
