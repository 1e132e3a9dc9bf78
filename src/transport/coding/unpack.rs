//! Decompressors that give little output at a time: few bytes may expand to very many, and the limits are checked
//! after each step.

use std::io::{self, Write};

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use zstd::stream::raw::{DParameter, Decoder, Operation as _};

/// Bytes given to deflate per step: one byte becomes at most 1,032.
const DEFLATE_INPUT: usize = 1 << 10;

/// Most bytes of output per step of the others.
const MAX_OUTPUT: usize = 64 << 10;

/// The largest window of zstd in HTTP, as a power of two (RFC 9659).
const ZSTD_WINDOW: u32 = 23;

/// The result of one step.
pub(in crate::transport) struct UnpackStep {
    /// How many bytes of input it took.
    pub(in crate::transport) taken: usize,
    /// Its output.
    pub(in crate::transport) output: Vec<u8>,
    /// Whether there may be more output without further input.
    pub(in crate::transport) is_full: bool,
}

/// Decompresses a body step by step.
pub(in crate::transport) trait Unpack: Send {
    /// Takes some of the input, and returns some output.
    fn step(&mut self, packed: &[u8]) -> io::Result<UnpackStep>;

    /// Ends the body; fails if it was cut.
    fn finish(&mut self) -> io::Result<()>;
}

pub(super) fn gzip() -> Box<dyn Unpack> {
    Box::new(MultiGzDecoder::new(Vec::new()))
}

pub(super) fn zlib() -> Box<dyn Unpack> {
    Box::new(ZlibDecoder::new(Vec::new()))
}

pub(super) fn deflate() -> Box<dyn Unpack> {
    Box::new(DeflateDecoder::new(Vec::new()))
}

macro_rules! unpacks {
    ($($decoder:ident),+) => {$(
        impl Unpack for $decoder<Vec<u8>> {
            fn step(&mut self, packed: &[u8]) -> io::Result<UnpackStep> {
                let taken = packed.len().min(DEFLATE_INPUT);
                self.write_all(&packed[..taken])?;
                self.flush()?;
                let output = std::mem::take(self.get_mut());
                Ok(UnpackStep { taken, output, is_full: false })
            }

            fn finish(&mut self) -> io::Result<()> {
                self.try_finish()
            }
        }
    )+};
}

unpacks!(MultiGzDecoder, ZlibDecoder, DeflateDecoder);

/// Brotli (RFC 7932), without the non-standard large windows.
pub(super) struct Brotli {
    state: Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>,
    ended: bool,
}

impl Default for Brotli {
    fn default() -> Self {
        let state = BrotliState::new_strict(
            StandardAlloc::default(),
            StandardAlloc::default(),
            StandardAlloc::default(),
        );
        Self {
            state: Box::new(state),
            ended: false,
        }
    }
}

impl Unpack for Brotli {
    fn step(&mut self, packed: &[u8]) -> io::Result<UnpackStep> {
        if self.ended {
            return Err(invalid("something follows its end"));
        }
        let mut output = vec![0; MAX_OUTPUT];
        let (mut left, mut taken, mut room, mut length) = (packed.len(), 0, MAX_OUTPUT, 0);
        let result = BrotliDecompressStream(
            &mut left,
            &mut taken,
            packed,
            &mut room,
            &mut length,
            &mut output,
            &mut 0,
            &mut self.state,
        );
        output.truncate(length);
        let is_full = match result {
            BrotliResult::NeedsMoreOutput => true,
            BrotliResult::NeedsMoreInput => false,
            BrotliResult::ResultSuccess => {
                self.ended = true;
                false
            }
            BrotliResult::ResultFailure => return Err(invalid("it is not brotli")),
        };
        Ok(UnpackStep {
            taken,
            output,
            is_full,
        })
    }

    fn finish(&mut self) -> io::Result<()> {
        complete(self.ended)
    }
}

/// Zstandard (RFC 8878), one frame or several.
pub(super) struct Zstd {
    /// An error if there was no memory for it.
    decoder: io::Result<Decoder<'static>>,
    /// Whether the last frame is over.
    ended: bool,
}

impl Default for Zstd {
    fn default() -> Self {
        let decoder = Decoder::new().and_then(|mut decoder| {
            decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW))?;
            Ok(decoder)
        });
        Self {
            decoder,
            ended: false,
        }
    }
}

impl Unpack for Zstd {
    fn step(&mut self, packed: &[u8]) -> io::Result<UnpackStep> {
        let decoder = match &mut self.decoder {
            Ok(decoder) => decoder,
            Err(error) => return Err(invalid(&error.to_string())),
        };
        let mut output = vec![0; MAX_OUTPUT];
        let status = decoder.run_on_buffers(packed, &mut output)?;
        let (taken, length) = (status.bytes_read, status.bytes_written);
        if taken > 0 || length > 0 {
            self.ended = status.remaining == 0;
        }
        output.truncate(length);
        Ok(UnpackStep {
            taken,
            output,
            is_full: length == MAX_OUTPUT,
        })
    }

    fn finish(&mut self) -> io::Result<()> {
        complete(self.ended)
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn complete(ended: bool) -> io::Result<()> {
    ended
        .then_some(())
        .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}
