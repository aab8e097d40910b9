//! Every option, and what `#[init]` expressions can do.

use std::fmt;
use std::path::{Path, PathBuf};

use mtask::{Finish, Spec, Worker, delayed_init};

struct Login {
    user: String,
}

#[delayed_init(spec = Credentials, new = open, debug = false, derive(PartialEq, Hash))]
impl Login {
    fn open(
        user: &str,
        password: String,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        if password.is_empty() {
            return Err("no password".into());
        }
        Ok(Self { user: user.to_owned() })
    }

    /// An ordinary function: the constructor is another.
    fn new(&self) -> usize {
        self.user.len()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

struct Affine<T> {
    scale: T,
    seen: usize,
}

#[delayed_init(named, derive(PartialEq))]
impl<T: Copy + std::ops::Mul<Output = T> + std::ops::Add<Output = T>, const N: usize> Affine<[T; N]>
where
    [T; N]: Copy,
{
    fn new(scale: [T; N]) -> Self {
        Self { scale, seen: 0 }
    }

    /// Named inputs may be borrowed too.
    fn call(&mut self, x: T, offset: T, label: &str) -> (String, [T; N]) {
        self.seen += 1;
        (label.to_owned(), self.scale.map(|scale| scale * x + offset))
    }

    fn finish(self) -> usize {
        self.seen
    }
}

#[derive(Clone, Debug)]
struct Config {
    path: PathBuf,
}

fn parse(digits: &str) -> Result<u8, std::num::ParseIntError> {
    digits.parse()
}

fn number(config: Config) -> usize {
    config.path.as_os_str().len()
}

/// A struct with a constructor made for it.
#[derive(Debug)]
#[delayed_init(new = new, spec = MadeSpec)]
#[derive(PartialEq)]
pub struct Made {
    config: Inner,
    digits: String,
    // Used up by two expressions, and still there.
    #[init(number(config.0.clone()) + number(config.0))]
    number: usize,
    #[init(parse(&digits)?)]
    parsed: u8,
    #[init(format!("{digits}-{parsed}"))]
    title: String,
    #[init(vec![title.clone(); usize::from(parsed)])]
    titles: Vec<String>,
    #[init(if parsed > 9 { return Err("too many".into()) } else { parsed })]
    few: u8,
    #[cfg(any())]
    gone: Missing,
    #[cfg(any())]
    #[init(missing(gone))]
    made_gone: Missing,
    #[cfg(all())]
    here: u8,
}

#[derive(Clone, Debug)]
struct Inner(Config);

impl PartialEq for Inner {
    fn eq(&self, other: &Self) -> bool {
        self.0.path == other.0.path
    }
}

/// `Self` in an expression is the struct, as it is in the type of a field.
#[delayed_init]
struct Itself<T: Clone + Default + Send> {
    first: T,
    #[init([Self::other(&first), first])]
    both: [T; 2],
    #[init(vec![0; Self::LENGTH])]
    zeros: Vec<u8>,
    #[init(Vec::<Box<Self>>::with_capacity(Self::LENGTH))]
    parts: Vec<Box<Self>>,
}

impl<T: Clone + Default + Send> Itself<T> {
    const LENGTH: usize = 3;

    fn other(_: &T) -> T {
        T::default()
    }
}

#[delayed_init]
struct Unit;

#[delayed_init]
#[derive(Clone, Copy)]
struct Empty {}

fn main() {
    let spec = Login::spec("me", "secret".to_owned());
    assert!(spec == Credentials { user: "me".to_owned(), password: "secret".to_owned() });
    assert_eq!(format!("{spec:?}"), r#"Credentials { user: "me", .. }"#);
    assert_eq!(spec.build().unwrap().new(), 2);
    let empty = Credentials { password: String::new(), ..spec };
    assert_eq!(empty.build().err().unwrap().to_string(), "no password");

    let mut affine = Affine::spec([1, 2]).build().unwrap();
    let input = AffineInput { offset: 10, x: 3, label: "l".to_owned() };
    assert_eq!(format!("{input:?}"), r#"AffineInput { x: 3, offset: 10, label: "l" }"#);
    assert_eq!(Worker::call(&mut affine, input), ("l".to_owned(), [13, 16]));
    assert_eq!(Finish::finish(affine), 1);

    let config = Inner(Config { path: Path::new("abc").to_owned() });
    let made = Made::new(config.clone(), "2".to_owned(), 1).unwrap();
    assert_eq!((made.number, made.parsed, &*made.title, made.few), (6, 2, "2-2", 2));
    assert_eq!(made.titles, ["2-2", "2-2"]);
    let spec = MadeSpec { config, digits: "12".to_owned(), here: 3 };
    assert_eq!(spec.build().unwrap_err().to_string(), "too many");
    let error = MadeSpec { digits: "x".to_owned(), ..spec }.build().unwrap_err();
    assert!(error.get_ref().is::<std::num::ParseIntError>());

    let itself = Itself::spec(7).build().unwrap();
    assert_eq!((itself.first, itself.both, itself.zeros), (7, [0, 7], vec![0; 3]));
    assert!(itself.parts.capacity() >= 3);

    let _: (Unit, Empty) = (Unit::spec().build().unwrap(), Empty::spec().build().unwrap());
}
