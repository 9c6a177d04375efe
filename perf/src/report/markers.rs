//! Text between markers.

use crate::console::failure::Failure;

/// `text` with what stands between the markers of each name replaced by what
/// `block` says.
///
/// # Errors
///
/// If a marker has no partner, one stands within another's block, or those of
/// `block`.
pub(super) fn replace(
    text: &str,
    block: impl Fn(&str) -> Result<String, Failure>,
) -> Result<String, Failure> {
    let mut new = String::new();
    let mut open: Option<&str> = None;
    for line in text.split_inclusive('\n') {
        if let Some(name) = marker(line, "begin") {
            if let Some(open) = open {
                return Err(Failure::Input(format!(
                    "begin:{name} before the end of {open}"
                )));
            }
            open = Some(name);
            new.push_str(line);
            new.push_str(&block(name)?);
        } else if let Some(name) = marker(line, "end") {
            if open != Some(name) {
                return Err(Failure::Input(format!("end:{name} without its begin")));
            }
            open = None;
            new.push_str(line);
        } else if open.is_none() {
            new.push_str(line);
        }
    }
    match open {
        None => Ok(new),
        Some(name) => Err(Failure::Input(format!("begin:{name} without its end"))),
    }
}

fn marker<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    let inner = line.trim().strip_prefix("<!-- ")?.strip_suffix(" -->")?;
    inner.strip_prefix(word)?.strip_prefix(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Result<String, String> {
        let block = |name: &str| match name {
            "a" => Ok("new\n".to_owned()),
            _ => Err(Failure::input("unknown")),
        };
        replace(text, block).map_err(|failure| match failure {
            Failure::Input(message) => message,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn what_stands_between_is_replaced_once_and_for_all() {
        let old = "x\n<!-- begin:a -->\nold\nolder\n<!-- end:a -->\ny";
        let new = said(old).unwrap();
        assert_eq!(new, "x\n<!-- begin:a -->\nnew\n<!-- end:a -->\ny");
        assert_eq!(said(&new).unwrap(), new);
        assert_eq!(said("no markers\n").unwrap(), "no markers\n");
    }

    #[test]
    fn markers_without_partners_are_errors() {
        let refused = |text: &str, why: &str| assert_eq!(said(text).unwrap_err(), why);
        refused("<!-- begin:a -->\n", "begin:a without its end");
        refused("<!-- end:a -->\n", "end:a without its begin");
        refused(
            "<!-- begin:a -->\n<!-- end:b -->\n",
            "end:b without its begin",
        );
        refused(
            "<!-- begin:a -->\n<!-- begin:a -->\n",
            "begin:a before the end of a",
        );
        refused("<!-- begin:b -->\n<!-- end:b -->\n", "unknown");
    }
}
