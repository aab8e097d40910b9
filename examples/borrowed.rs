//! Items, specs and outputs that borrow: `scope`.

use mtask::prelude::*;

fn main() -> Result<(), TaskError> {
    let text = "to be or not to be".to_owned();
    let stop_words = ["to".to_owned()];

    let longest = mtask::scope(|s| {
        let mut kept = s.par_map(text.split(' '), 2, |word: &str| {
            (!stop_words.iter().any(|stop| stop == word)).then_some(word)
        });
        let mut longest = "";
        for word in kept.by_ref() {
            let word = word?.unwrap_or("");
            if word.len() > longest.len() {
                longest = word; // still a slice of `text`: nothing was copied
            }
        }
        assert_eq!(kept.ended(), Some(Ended::Complete));
        Ok(longest)
    })?;
    println!("{longest}");
    Ok(())
}
