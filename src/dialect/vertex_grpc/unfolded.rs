//! What a message unfolds to, told before it is decoded: two bytes of protobuf can take up hundreds in memory.

use prost::encoding::decode_varint;

/// Most fields of one message, with those of the messages in it.
const MAX_FIELDS: usize = 100_000;
/// How deep messages are looked into: as deep as they are decoded.
const MAX_DEPTH: usize = 100;

/// What is wrong with a message of too many fields.
pub(super) fn too_many_fields(message: &[u8]) -> Option<String> {
    let mut left = MAX_FIELDS;
    let counted = count(message, &mut left, MAX_DEPTH);
    (counted.is_none()).then(|| format!("one message has more than {MAX_FIELDS} fields"))
}

/// Counts fields down; nothing once there are too many. Whether bytes are a message or a text is not known here, so
/// each text is taken for a message as far as it reads like one, which is a few bytes mostly.
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

/// What the first field holds, as far as that may be a message, and what follows
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

    fn held(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut field = vec![number << 3 | 2];
        prost::encoding::encode_varint(bytes.len() as u64, &mut field);
        field.extend_from_slice(bytes);
        field
    }

    /// A response with a candidate with a content of these parts.
    fn response(parts: &[u8]) -> Vec<u8> {
        held(2, &held(2, parts))
    }

    #[test]
    fn many_small_parts_are_too_much_and_long_texts_are_not() {
        let text = |text: &str| response(&held(2, &held(1, text.as_bytes())));
        for (message, too_many) in [
            (response(&held(2, &[]).repeat(90_000)), false),
            (response(&held(2, &[]).repeat(110_000)), true),
            (
                text(&"The answer is long, and 中文 too. ".repeat(200_000)),
                false,
            ),
            (text(&"<p>\n    </p>".repeat(200_000)), false),
            (held(1, &vec![0xFF; 4 << 20]), false),
            (Vec::new(), false),
        ] {
            let told = too_many_fields(&message);
            assert_eq!(told.is_some(), too_many, "{} bytes", message.len());
        }
        let mut deep = Vec::new();
        for _ in 0..1_000 {
            deep = held(2, &deep);
        }
        assert_eq!(
            too_many_fields(&deep),
            None,
            "it is looked into so deep only"
        );
    }
}
