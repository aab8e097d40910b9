//! What a file is, by its first bytes.

use std::path::Path;

/// How many bytes of a file are looked at, at the most.
pub(super) const HEAD: usize = 32 * 1024;

/// A compression that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    Gzip,
    Zstd,
}

impl Compression {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "Zstandard",
        }
    }
}

const GZIP: &[u8] = b"\x1f\x8b";
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";
/// `pzstd` and the seekable format begin with frames to be skipped: 0x50 to 0x5f, and this.
const ZSTD_SKIPPED: &[u8] = b"\x2a\x4d\x18";

/// Formats that are not read, by the bytes that they begin with. None of these begins a text.
const FOREIGN: &[(&[u8], &str)] = &[
    (b"\xfd7zXZ\0", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"\x02\x21\x4c\x18", "lz4"),
    (b"\x89LZO\0\r\n\x1a\n", "lzop"),
    (b"LZIP\x01", "lzip"),
    (b"\x5d\0\0\x80\0", "lzma"),
    (b"\x1f\x9d", "compress (.Z)"),
    (b"\xff\x06\0\0sNaPpY", "snappy"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"PK\x07\x08", "zip"),
    (b"Rar!\x1a\x07", "rar"),
    (b"!<arch>\n", "ar"),
    (b"PAR1\x15", "Parquet"),
    (b"Obj\x01", "Avro"),
    (b"ARROW1\0\0", "Arrow"),
    (b"FEA1\0\0\0\0", "Feather"),
    (b"\x89HDF\r\n\x1a\n", "HDF5"),
    (b"SQLite format 3\0", "SQLite"),
    (b"\x93NUMPY", "NumPy"),
    (b"%PDF-", "PDF"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a document of Microsoft Office"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x7fELF", "a program (ELF)"),
    // The longer marks first: UTF-32's begins with UTF-16's.
    (b"\xff\xfe\0\0", "UTF-32"),
    (b"\0\0\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
];

/// Behind "BZh" and a digit: the mark of a block, or of the end where there is none.
const BZIP2: [&[u8]; 2] = [b"1AY&SY", b"\x17\x72\x45\x38\x50\x90"];

/// Where a tar's first header says so.
const TAR: (usize, &[u8]) = (257, b"ustar");

/// What a file is by its name, where its first bytes do not say.
pub(super) fn by_extension(path: &Path) -> Option<Compression> {
    let extension = path.extension()?;
    if extension.eq_ignore_ascii_case("gz") {
        Some(Compression::Gzip)
    } else if extension.eq_ignore_ascii_case("zst") {
        Some(Compression::Zstd)
    } else {
        None
    }
}

pub(super) fn compression(head: &[u8]) -> Option<Compression> {
    if head.starts_with(GZIP) {
        Some(Compression::Gzip)
    } else if head.starts_with(ZSTD) || is_skipped_frame(head) {
        Some(Compression::Zstd)
    } else {
        None
    }
}

fn is_skipped_frame(head: &[u8]) -> bool {
    matches!(head, [0x50..=0x5f, rest @ ..] if rest.starts_with(ZSTD_SKIPPED))
}

/// What a file is that is no text in UTF-8.
pub(super) fn foreign(head: &[u8]) -> Option<&'static str> {
    let marked = FOREIGN.iter().find(|(mark, _)| head.starts_with(mark)).map(|&(_, name)| name);
    marked.or_else(|| {
        if is_bzip2(head) {
            Some("bzip2")
        } else if head.get(TAR.0..).is_some_and(|at| at.starts_with(TAR.1)) {
            Some("tar")
        } else {
            wide_text(head).or_else(|| is_binary(head).then_some("binary data"))
        }
    })
}

/// Whether more bytes could make this the beginning of a marked format.
pub(super) fn may_begin_a_mark(head: &[u8]) -> bool {
    let marks = FOREIGN.iter().map(|&(mark, _)| mark).chain([GZIP, ZSTD]);
    marks.into_iter().any(|mark| head.len() < mark.len() && mark.starts_with(head))
}

fn is_bzip2(head: &[u8]) -> bool {
    let Some(behind) = head.strip_prefix(b"BZh") else { return false };
    matches!(behind, [b'1'..=b'9', block @ ..] if BZIP2.iter().any(|mark| block.starts_with(mark)))
}

/// UTF-16 and UTF-32 without a mark: most of their bytes are zero, or else they are not UTF-8 and
/// can be read as UTF-16.
fn wide_text(head: &[u8]) -> Option<&'static str> {
    let mut zeros = [0_usize; 4];
    for (at, _) in head.iter().enumerate().filter(|(_, byte)| **byte == 0) {
        zeros[at % 4] += 1;
    }
    let [a, b, c, d] = zeros;
    let (all, units) = (a + b + c + d, head.len() / 4);
    if all < 2 || all * 128 < head.len() {
        // A stray zero says nothing.
        return None;
    }
    if all * 4 < head.len() {
        let is_wide = !is_utf8(head)
            && (is_utf16(head, u16::from_le_bytes) || is_utf16(head, u16::from_be_bytes));
        return is_wide.then_some("UTF-16");
    }
    if (b + c + d >= units * 3 && a < units) || (a + b + c >= units * 3 && d < units) {
        Some("UTF-32")
    } else if (a + c) * 4 <= b + d || (b + d) * 4 <= a + c {
        Some("UTF-16")
    } else {
        None
    }
}

/// But for a character that is cut off at the end.
fn is_utf8(head: &[u8]) -> bool {
    str::from_utf8(head).map_or_else(|error| error.error_len().is_none(), |_| true)
}

/// Spaced text without control characters, but for a character that is cut off at the end.
fn is_utf16(head: &[u8], unit: fn([u8; 2]) -> u16) -> bool {
    let units = head.as_chunks().0.iter().map(|bytes| unit(*bytes));
    let mut is_spaced = false;
    let is_text = char::decode_utf16(units.take((head.len() / 2).saturating_sub(1))).all(|char| {
        char.is_ok_and(|char| {
            is_spaced |= char.is_whitespace();
            char.is_whitespace() || !char.is_control()
        })
    });
    is_text && is_spaced
}

/// Whether more than a twentieth are control characters that no text has: of random bytes a tenth
/// are, and a stray one here or there makes no text binary.
fn is_binary(head: &[u8]) -> bool {
    let is_control = |byte: &&u8| matches!(byte, 0x00..=0x07 | 0x0e..=0x1a | 0x1c..=0x1f | 0x7f);
    head.iter().filter(is_control).count() * 20 > head.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    fn utf32(text: &str, bytes: fn(u32) -> [u8; 4]) -> Vec<u8> {
        text.chars().flat_map(|char| bytes(char.into())).collect()
    }

    #[test]
    fn marks_name_the_format() {
        let mut tar = b"name.txt".to_vec();
        tar.resize(257, 0);
        tar.extend(b"ustar\0");
        for (head, name) in [
            (&b"\xfd7zXZ\0\0\x04"[..], "xz"),
            (b"BZh91AY&SY..", "bzip2"),
            (b"BZh9\x17\x72\x45\x38\x50\x90", "bzip2"),
            (b"PK\x05\x06", "zip"),
            (b"\xff\xfe\0\0a\0\0\0", "UTF-32"),
            (b"\xff\xfea\0", "UTF-16"),
            (b"\xfe\xff\0a", "UTF-16"),
            (b"PAR1\x15\x04", "Parquet"),
            (&tar, "tar"),
        ] {
            assert_eq!(foreign(head), Some(name));
        }
    }

    #[test]
    fn wide_text_without_a_mark_is_told_by_its_zeros() {
        let latin = "some lines\nof text, in ASCII\n";
        let chinese = "我能吞下一块玻璃而不伤身体。\n我能吞下玻璃。\n一\n";
        for text in [latin, chinese] {
            assert_eq!(foreign(&utf16(text, u16::to_le_bytes)), Some("UTF-16"));
            assert_eq!(foreign(&utf16(text, u16::to_be_bytes)), Some("UTF-16"));
        }
        assert_eq!(foreign(&utf32(latin, u32::to_le_bytes)), Some("UTF-32"));
        assert_eq!(foreign(&utf32(latin, u32::to_be_bytes)), Some("UTF-32"));
    }

    #[test]
    fn text_is_no_foreign_format() {
        let long = "x\n".repeat(1_000);
        for text in [
            "",
            "a",
            "BZh9 is how a bzip2 file begins",
            "PK, ORC, MZ and Obj are words too",
            "PAR1 is the name of a gene, and 070701 a number",
            "\u{1b}[31mred\u{1b}[0m\r\n\u{c}\u{8}",
            "Grüße, 我能吞下玻璃而不伤身体",
            "one \0 in a line of some length",
            &format!("{long}\0{long}\0\0{long}"),
            &format!("{long}ustar"),
        ] {
            assert_eq!(foreign(text.as_bytes()), None, "{text:?}");
            assert_eq!(compression(text.as_bytes()), None, "{text:?}");
        }
        // Not UTF-8, but lines: each is looked at by itself.
        assert_eq!(foreign(&b"caf\xe9 au lait\n".repeat(100)), None);
    }

    #[test]
    fn noise_is_binary() {
        let mut state = 1_u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .take(4_096)
        .collect();
        assert_eq!(foreign(&noise), Some("binary data"));
        assert_eq!(foreign(b"Bud1\0"), Some("binary data"));
    }

    #[test]
    fn a_frame_to_be_skipped_is_zstandard() {
        assert_eq!(compression(b"\x5f\x2a\x4d\x18\x04\0\0\0"), Some(Compression::Zstd));
        assert_eq!(compression(b"P*M"), None);
    }
}
