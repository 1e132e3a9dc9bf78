//! Limits the size of a decoded message before decoding: two bytes of protobuf can take hundreds of bytes in memory.

use prost::encoding::decode_varint;

/// Most fields of one message, including nested messages.
const MAX_FIELDS: usize = 100_000;
/// Depth to which nested messages are counted: the depth to which they are decoded.
const MAX_DEPTH: usize = 100;

/// The error of a message with too many fields; `None` if it is small enough.
pub(super) fn too_many_fields(message: &[u8]) -> Option<String> {
    let mut left = MAX_FIELDS;
    let counted = count(message, &mut left, MAX_DEPTH);
    (counted.is_none()).then(|| format!("one message has more than {MAX_FIELDS} fields"))
}

/// Counts fields down; `None` once there are too many. Messages and texts look the same here, so texts are counted,
/// too, as far as they parse as messages, which is usually a few bytes.
fn count(mut bytes: &[u8], left: &mut usize, depth: usize) -> Option<()> {
    while let Some((inner, rest)) = field(bytes) {
        *left = left.checked_sub(1)?;
        if depth > 0 {
            count(inner, left, depth - 1)?;
        }
        bytes = rest;
    }
    Some(())
}

/// The content of the first field, if it may be a message, and the remaining bytes
/// (<https://protobuf.dev/programming-guides/encoding/>).
fn field(mut bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let tag = decode_varint(&mut bytes).ok()?;
    let nothing: &[u8] = &[];
    match tag & 7 {
        0 => {
            decode_varint(&mut bytes).ok()?;
            Some((nothing, bytes))
        }
        1 => Some((nothing, bytes.get(8..)?)),
        2 => {
            let length = decode_varint(&mut bytes).ok()?;
            bytes.split_at_checked(usize::try_from(length).ok()?)
        }
        5 => Some((nothing, bytes.get(4..)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length_delimited(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut field = vec![number << 3 | 2];
        prost::encoding::encode_varint(bytes.len() as u64, &mut field);
        field.extend_from_slice(bytes);
        field
    }

    /// A response with one candidate whose content has these parts.
    fn response(parts: &[u8]) -> Vec<u8> {
        length_delimited(2, &length_delimited(2, parts))
    }

    #[test]
    fn many_small_parts_are_too_much_and_long_texts_are_not() {
        let text =
            |text: &str| response(&length_delimited(2, &length_delimited(1, text.as_bytes())));
        for (message, too_many) in [
            (response(&length_delimited(2, &[]).repeat(90_000)), false),
            (response(&length_delimited(2, &[]).repeat(110_000)), true),
            (
                text(&"The answer is long, and 中文 too. ".repeat(200_000)),
                false,
            ),
            (text(&"<p>\n    </p>".repeat(200_000)), false),
            (length_delimited(1, &vec![0xFF; 4 << 20]), false),
            (Vec::new(), false),
        ] {
            let error = too_many_fields(&message);
            assert_eq!(error.is_some(), too_many, "{} bytes", message.len());
        }
        let mut deep = Vec::new();
        for _ in 0..1_000 {
            deep = length_delimited(2, &deep);
        }
        assert_eq!(
            too_many_fields(&deep),
            None,
            "deeper messages are not counted"
        );
    }
}
