//! What a file is, by its first bytes.

/// How a binary file of KenLM begins, of any version.
pub(super) const KENLM: &[u8] = b"mmap lm http://kheafield.com/code ";

/// What a file is that was taken for an ARPA file, if it shows.
pub(super) fn no_arpa(start: &[u8]) -> Option<&'static str> {
    if start.is_empty() {
        return Some("an empty file");
    }
    let kinds: [(&[u8], &str); 9] = [
        (
            b"\x1f\x8b",
            "a gzip file: it is to be unpacked first (gunzip)",
        ),
        (b"BZh", "a bzip2 file: it is to be unpacked first (bunzip2)"),
        (
            b"\xfd7zXZ\0",
            "an xz file: it is to be unpacked first (unxz)",
        ),
        (
            b"\x28\xb5\x2f\xfd",
            "a zstd file: it is to be unpacked first (unzstd)",
        ),
        (b"PK\x03\x04", "a zip file: it is to be unpacked first"),
        (KENLM, "a binary file of KenLM"),
        (
            b"blmt",
            "a binary file of IRSTLM (compile-lm --text yes makes an ARPA file of it)",
        ),
        (
            b"iARPA",
            "an iARPA file of IRSTLM (compile-lm --text yes makes an ARPA file of it)",
        ),
        (b"qARPA", "a quantised ARPA file of IRSTLM"),
    ];
    let named = kinds.iter().find(|(magic, _)| start.starts_with(magic));
    named.map(|&(_, kind)| kind)
}

/// What a file is that was taken for a binary file of KenLM, if it shows.
pub(super) fn no_binary(start: &[u8]) -> Option<&'static str> {
    no_arpa(start).or_else(|| {
        let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
        let mut lines = text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
        let line = lines.find(|line| !line.is_empty() && !line.starts_with(b"#"));
        (line == Some(b"\\data\\")).then_some("an ARPA file")
    })
}
