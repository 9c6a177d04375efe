//! The words of tokens.

/// The bytes that some tokens spell, one after the other; a token without a spelling
/// spells nothing.
pub(super) fn bytes(spellings: &[Vec<u8>], tokens: &[u32]) -> Vec<u8> {
    let spelling = |&token: &u32| spellings.get(token as usize).cloned();
    tokens.iter().filter_map(spelling).flatten().collect()
}

/// The complete words of some tokens, and what there is of the word under way, which is
/// empty where none is.
pub(super) fn words(spellings: &[Vec<u8>], tokens: &[u32]) -> (Vec<Vec<u8>>, Vec<u8>) {
    let bytes = bytes(spellings, tokens);
    let mut parts: Vec<Vec<u8>> = bytes
        .split(|&byte| byte == b' ')
        .map(<[u8]>::to_vec)
        .collect();
    let under_way = parts.pop().unwrap_or_default();
    parts.retain(|part| !part.is_empty());
    (parts, under_way)
}
