//! Names that are keywords in a later edition than the crate's, and raw ones.

use mtask::{delayed_init, BuildError, Context, Spec, Worker};

struct Evolution {
    gen: usize,
    kind: String,
}

#[delayed_init]
impl Evolution {
    fn new(gen: usize, r#type: &str, r#async: [u8; 2]) -> Self {
        Self { gen: gen + usize::from(r#async[1]), kind: r#type.to_owned() }
    }

    fn call(&mut self, gen: usize, r#dyn: &str, context: &Context<'_>) -> (usize, String) {
        (self.gen + gen + context.index(), format!("{}{}", self.kind, r#dyn))
    }
}

struct Sum;

#[delayed_init(named, new = gen)]
impl Sum {
    fn gen(r#gen: u8) -> Result<Self, String> {
        if gen == 0 {
            Err("none".to_owned())
        } else {
            Ok(Self)
        }
    }

    fn call(&mut self, gen: u8, r#try: u8) -> u8 {
        gen + r#try
    }
}

#[delayed_init(new = gen)]
#[derive(Clone, Debug)]
struct Recorded {
    gen: u32,
    r#try: u32,
    #[init(gen + r#try)]
    r#await: u32,
}

#[delayed_init]
struct Named<'gen> {
    gen: &'gen str,
    #[init(gen.len())]
    length: usize,
}

mod types {
    #[allow(non_camel_case_types)]
    pub(crate) struct gen<T>(pub(crate) T);

    #[mtask::delayed_init]
    impl<T: Clone + Send> gen<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(value)
        }
    }
}

#[test]
fn a_name_may_be_a_keyword_of_a_later_edition() -> Result<(), BuildError> {
    let spec = Evolution::spec(1, "t", [2, 3]);
    let spec = EvolutionSpec { gen: 4, ..spec };
    assert_eq!(format!("{:?}", spec), r#"EvolutionSpec { gen: 4, type: "t", async: [2, 3] }"#);
    assert_eq!(spec.build()?.call(10, "d", &Context::detached()), (17, "td".to_owned()));
    assert_eq!(Worker::call(&mut spec.build()?, (10, "d".to_owned())), (17, "td".to_owned()));

    assert!(Sum::spec(0).build().is_err());
    let mut sum: Sum = SumSpec { gen: 1 }.build()?;
    assert_eq!(Worker::call(&mut sum, SumInput { gen: 1, r#try: 2 }), 3);

    let made = Recorded::gen(1, 2)?;
    assert_eq!((made.gen, made.r#try, made.r#await), (1, 2, 3));

    let made: Named = Named::spec("four").build()?;
    assert_eq!((made.gen, made.length), ("four", 4));

    let made: types::gen<u8> = types::gen::spec(7).build()?;
    assert_eq!(made.0, 7);
    Ok(())
}
