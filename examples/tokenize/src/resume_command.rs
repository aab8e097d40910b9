//! What to type to continue a run.

use std::ffi::OsString;

/// The command line of this run, for a shell, with `--resume`.
pub(crate) fn resume_command() -> String {
    of(std::env::args_os())
}

fn of(args: impl Iterator<Item = OsString>) -> String {
    // What is behind `--` is a file, whatever it looks like.
    let mut is_option = true;
    let mut args = args.filter(|arg| {
        is_option &= arg != "--";
        !is_option || (arg != "--resume" && arg != "--restart")
    });
    let program = args.next().map(|arg| quoted(&arg.to_string_lossy())).unwrap_or_default();
    let rest = args.map(|arg| format!(" {}", quoted(&arg.to_string_lossy())));
    format!("{program} --resume{}", rest.collect::<String>())
}

fn quoted(arg: &str) -> String {
    let is_plain = |char: char| char.is_alphanumeric() || "-_./=:,+@%".contains(char);
    if !arg.is_empty() && arg.chars().all(is_plain) {
        arg.to_owned()
    } else {
        format!("'{}'", arg.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(args: &[&str]) -> String {
        of(args.iter().map(OsString::from))
    }

    #[test]
    fn it_is_what_was_typed_and_resume() {
        assert_eq!(command(&["tokenize", "a.txt", "-w4"]), "tokenize --resume a.txt -w4");
        let again = command(&["tokenize", "--restart", "a b", "it's", "--resume", ""]);
        assert_eq!(again, r"tokenize --resume 'a b' 'it'\''s' ''");
        assert_eq!(command(&["tokenize", "--", "--restart"]), "tokenize --resume -- --restart");
    }
}
