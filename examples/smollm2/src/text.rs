//! Text to tokens and back, with the tokenizer of the GGUF file.

use anyhow::{Result, anyhow};
use candle_core::quantized::gguf_file::Content;
use candle_core::quantized::tokenizer::TokenizerFromGguf;
use tokenizers::Tokenizer;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;

/// The tokenizer of a GGUF file whose `tokenizer.ggml.pre` is `smollm`: digits
/// one by one, then byte-level BPE.
pub fn tokenizer(content: &Content) -> Result<Tokenizer> {
    let mut tokenizer = Tokenizer::from_gguf(content)?;
    let bytes = ByteLevel::default().add_prefix_space(false);
    let split = Sequence::new(vec![Digits::new(true).into(), bytes.into()]);
    tokenizer.with_pre_tokenizer(Some(split));
    Ok(tokenizer)
}

pub fn tokens(tokenizer: &Tokenizer, text: &str) -> Result<Vec<u32>> {
    let encoding = tokenizer.encode_fast(text, false);
    let encoding = encoding.map_err(|reason| anyhow!("cannot be tokenized: {reason}"))?;
    Ok(encoding.get_ids().to_vec())
}

/// The text of tokens, without end marks.
pub fn text(tokenizer: &Tokenizer, tokens: &[u32]) -> Result<String> {
    let text = tokenizer.decode(tokens, true);
    text.map_err(|reason| anyhow!("cannot be turned into text: {reason}"))
}

/// A question in the form that the model was trained to answer.
pub fn question(prompt: &str) -> String {
    format!(
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging \
         Face<|im_end|>\n<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n"
    )
}
