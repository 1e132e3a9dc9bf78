//! What one machine measured of a bench, as it is kept in a file and sent by an agent: sections of bytes.
//!
//! A section is its kind (a byte), the number of its bytes (four, the lowest first), and these. A part is a head as JSON,
//! blocks of requests as [`columns`] have them, with the machine's own stamps, and an end as JSON.
//! A file is [`MAGIC`] and parts one behind the other, so that two files are merged by joining their parts.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    BenchId, BenchPlan, BenchRequest, BenchSummary,
    columns::{self, BadBlock},
    offset::MeasuredClock,
};

/// What a file of parts begins with; the digit is the version of its form.
pub const MAGIC: &[u8; 9] = b"TSBENCH1\n";

/// Most bytes of a section that are read.
const MOST_BYTES: usize = 256 << 20;

/// Bytes before those of a section: its kind and their number.
const HEAD_BYTES: usize = 5;

/// A section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartSection {
    /// The head of a part, as JSON of a [`PartHead`].
    Head(Vec<u8>),
    /// A block of requests.
    Block(Vec<u8>),
    /// The end of a part, as JSON of a [`PartEnd`].
    End(Vec<u8>),
    /// What an agent says while it works, as JSON; in no file.
    News(Vec<u8>),
}

impl PartSection {
    fn kind(&self) -> (u8, &[u8]) {
        match self {
            Self::Head(bytes) => (1, bytes),
            Self::Block(bytes) => (2, bytes),
            Self::End(bytes) => (3, bytes),
            Self::News(bytes) => (4, bytes),
        }
    }

    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let (kind, bytes) = self.kind();
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let mut out = Vec::with_capacity(HEAD_BYTES + bytes.len());
        out.push(kind);
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(bytes);
        out
    }
}

/// Bytes that are no parts of benches.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPart {
    /// It is something else, or of a newer version.
    #[error("it is no file of benches, or a newer Tokenscope wrote it")]
    UnknownForm,
    /// It is cut off or damaged.
    #[error("it is damaged or cut off")]
    Damaged,
    /// A block of requests can't be read.
    #[error("requests can't be read: {0}")]
    Block(#[from] BadBlock),
}

/// Takes bytes as they come, and gives whole sections.
#[derive(Debug, Default)]
pub struct SectionReader {
    bytes: Vec<u8>,
    at: usize,
}

impl SectionReader {
    /// Takes bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.at);
        self.at = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// Whether all bytes were given as sections.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// The next section, if it has come whole.
    ///
    /// # Errors
    /// If what came is none.
    pub fn next_section(&mut self) -> Result<Option<PartSection>, BadPart> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some(([kind, length @ ..], rest)) = rest.split_first_chunk::<HEAD_BYTES>() else {
            return Ok(None);
        };
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        if length > MOST_BYTES {
            return Err(BadPart::Damaged);
        }
        let make = match kind {
            1 => PartSection::Head,
            2 => PartSection::Block,
            3 => PartSection::End,
            4 => PartSection::News,
            _ => return Err(BadPart::Damaged),
        };
        let Some(bytes) = rest.get(..length) else {
            return Ok(None);
        };
        let section = make(bytes.to_vec());
        self.at += HEAD_BYTES + length;
        Ok(Some(section))
    }
}

/// What is known of a part before its requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartHead {
    /// Its key, which no other part has.
    pub id: BenchId,
    /// The machine, as whoever ran it calls it.
    pub machine: String,
    /// The version of the program that measured it.
    pub version: String,
    /// What this machine was to do.
    pub plan: BenchPlan,
    /// Offset 0 of its stamps on its own clock, in nanoseconds since 1970; `None` if it never began.
    pub began_unix_ns: Option<i64>,
    /// How its clock stands to that of the machine that drove it; `None` where nobody did.
    pub clock: Option<MeasuredClock>,
}

/// How a part ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PartEnd {
    /// What its machine found; `None` if it was lost before.
    pub summary: Option<BenchSummary>,
    /// Why some of its requests are missing; `None` if none are.
    pub lost: Option<String>,
}

/// What one machine measured of a bench.
#[derive(Clone, Debug, PartialEq)]
pub struct BenchPart {
    /// What is known of it.
    pub head: PartHead,
    /// Its requests, with the machine's own stamps, in blocks as [`columns`] have them.
    pub blocks: Vec<Vec<u8>>,
    /// How it ended.
    pub end: PartEnd,
}

impl BenchPart {
    /// Its requests, a block at a time.
    pub fn requests(&self) -> impl Iterator<Item = Result<Vec<BenchRequest>, BadPart>> {
        let blocks = self.blocks.iter();
        blocks.map(|block| columns::decode(block).map_err(BadPart::from))
    }

    /// Its bytes.
    ///
    /// # Errors
    /// Never: what it holds can be written as JSON.
    fn encode(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        let head = PartSection::Head(serde_json::to_vec(&self.head)?);
        out.extend(head.encode());
        for block in &self.blocks {
            out.extend(PartSection::Block(block.clone()).encode());
        }
        let end = PartSection::End(serde_json::to_vec(&self.end)?);
        out.extend(end.encode());
        Ok(())
    }
}

/// The bytes of a file with these parts.
///
/// # Errors
/// Never: what parts hold can be written as JSON.
pub fn encode_file(parts: &[BenchPart]) -> serde_json::Result<Vec<u8>> {
    let mut out = MAGIC.to_vec();
    for part in parts {
        part.encode(&mut out)?;
    }
    Ok(out)
}

/// The parts of a file. The last one may be cut off: then it has what came before, and says so.
///
/// # Errors
/// If it is no such file, or damaged.
pub fn decode_file(bytes: &[u8]) -> Result<Vec<BenchPart>, BadPart> {
    let rest = bytes.strip_prefix(MAGIC).ok_or(BadPart::UnknownForm)?;
    let mut reader = SectionReader::default();
    reader.push(rest);
    let mut parts: Vec<BenchPart> = Vec::new();
    let mut is_open = false;
    while let Some(section) = reader.next_section()? {
        match (section, parts.last_mut().filter(|_| is_open)) {
            (PartSection::Head(json), None) => {
                is_open = true;
                parts.push(BenchPart {
                    head: of_json(&json)?,
                    blocks: Vec::new(),
                    end: PartEnd {
                        lost: Some("the file is cut off".to_owned()),
                        ..PartEnd::default()
                    },
                });
            }
            (PartSection::Block(block), Some(part)) => part.blocks.push(block),
            (PartSection::End(json), Some(part)) => {
                is_open = false;
                part.end = of_json(&json)?;
            }
            _ => return Err(BadPart::Damaged),
        }
    }
    let is_whole = reader.is_empty() || is_open;
    if parts.is_empty() || !is_whole {
        return Err(BadPart::Damaged);
    }
    Ok(parts)
}

/// What a section of JSON says.
///
/// # Errors
/// If it says something else.
pub fn of_json<T: DeserializeOwned>(json: &[u8]) -> Result<T, BadPart> {
    serde_json::from_slice(json).map_err(|_| BadPart::Damaged)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bench::plan::tests::a_plan;

    /// A part of these requests.
    pub(crate) fn part(id: i64, began_unix_ns: i64, requests: &[BenchRequest]) -> BenchPart {
        BenchPart {
            head: PartHead {
                id: BenchId(id),
                machine: format!("m{id}"),
                version: "0".to_owned(),
                plan: a_plan(),
                began_unix_ns: Some(began_unix_ns),
                clock: None,
            },
            blocks: requests
                .chunks(2)
                .map(|block| columns::encode(block).unwrap())
                .collect(),
            end: PartEnd::default(),
        }
    }

    fn requests() -> Vec<BenchRequest> {
        let request = |number| BenchRequest {
            number,
            ended: 5 + number,
            ..BenchRequest::default()
        };
        (0..5).map(request).collect()
    }

    #[test]
    fn a_file_gives_back_its_parts_and_files_can_be_joined() {
        let parts = [part(1, 7, &requests()), part(2, 8, &[])];
        let file = encode_file(&parts).unwrap();
        assert_eq!(decode_file(&file).unwrap(), parts);
        let read: Vec<BenchRequest> = parts[0].requests().flat_map(Result::unwrap).collect();
        assert_eq!(read, requests());
        let other = encode_file(&parts[1..]).unwrap();
        let joined = [&file[..], &other[MAGIC.len()..]].concat();
        assert_eq!(decode_file(&joined).unwrap().len(), 3);
    }

    #[test]
    fn a_file_that_is_cut_off_has_what_came_before_and_says_so() {
        let file = encode_file(&[part(1, 7, &requests())]).unwrap();
        let first_block = HEAD_BYTES + columns::encode(&requests()[..2]).unwrap().len();
        let end = file
            .windows(HEAD_BYTES)
            .position(|head| head[0] == 2 && head[2..] == [0; 3]);
        let cut = &file[..=end.unwrap() + first_block];
        let parts = decode_file(cut).unwrap();
        assert_eq!(parts[0].blocks.len(), 1);
        assert_eq!(parts[0].end.lost.as_deref(), Some("the file is cut off"));
        for bad in [
            &b"TSBENCH2\n"[..],
            b"",
            &file[..9],
            b"TSBENCH1\nx1234",
            &file[1..],
        ] {
            assert!(decode_file(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode_file(&[&MAGIC[..], &bytes].concat());
        }

        #[test]
        fn sections_come_whole_however_their_bytes_are_split(cuts in prop::collection::vec(1..40_usize, 1..30)) {
            let sections = [
                PartSection::Head(b"head".to_vec()),
                PartSection::News(Vec::new()),
                PartSection::Block(vec![7; 100]),
                PartSection::End(b"end".to_vec()),
            ];
            let bytes: Vec<u8> = sections.iter().flat_map(PartSection::encode).collect();
            let (mut reader, mut found, mut rest) = (SectionReader::default(), Vec::new(), &bytes[..]);
            for cut in cuts.iter().cycle() {
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                reader.push(now);
                while let Some(section) = reader.next_section().unwrap() {
                    found.push(section);
                }
                rest = later;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert!(reader.is_empty());
            prop_assert_eq!(found, sections);
        }
    }
}
