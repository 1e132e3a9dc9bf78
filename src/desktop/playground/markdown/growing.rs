//! The layout of a growing text: rows that further text can't change are laid out only once.
//!
//! In: the current text. Out: the galley that egui would make of it. If the text begins like the previous one, only the
//! last rows are laid out again, so that the work of a frame does not grow with the text. The row above them is laid
//! out with them and must come out unchanged, which proves that they begin in the right place.

use std::sync::Arc;

use egui::{
    AsIdSalt, FontId, Galley, Id, Ui,
    cache::FramePublisher,
    epaint::text::PlacedRow,
    text::{ByteIndex, LayoutJob, LayoutSection, TextWrapping},
};

/// Layouts of the texts shown in the last frame; egui drops those that this frame does not use.
type Layouts = FramePublisher<Id, Arc<TextLayout>>;

/// The layout of a text.
struct TextLayout {
    galley: Arc<Galley>,
    /// Where each row begins and where the last one ends; empty if that is not known.
    starts: Vec<Start>,
    /// The galley of a single letter. It is a new one after egui has dropped all glyphs because its texture atlas was
    /// full, which makes all layouts invalid.
    letter: Arc<Galley>,
}

/// Where a row begins.
#[derive(Clone, Copy, Default)]
struct Start {
    byte: usize,
    /// The width of the paragraph up to here if it were not wrapped, in pixels. egui lays out a paragraph as one row
    /// before wrapping it, so the subpixel positions of glyphs depend on it.
    reach: f32,
}

/// Lays out a text, wrapped to a width, for the widget `id`.
pub fn galley(ui: &Ui, id: impl AsIdSalt, job: &LayoutJob, width: f32) -> Arc<Galley> {
    let id = ui.scope_id().with(id);
    // egui rounds it in the same way.
    let wrap = TextWrapping::wrap_at_width(width.round());
    let letter = letter(ui);
    let before = ui.memory_mut(|memory| memory.caches.cache::<Layouts>().get(&id).cloned());
    let before = before.filter(|b| Arc::ptr_eq(&b.letter, &letter) && b.galley.job.wrap == wrap);
    let layout = match before {
        Some(before) if is_same(&before.galley.job, job) => before,
        before => {
            let job = LayoutJob {
                wrap,
                ..job.clone()
            };
            let grown = before.and_then(|before| before.grown(ui, &job));
            Arc::new(grown.unwrap_or_else(|| TextLayout::whole(ui, job, letter)))
        }
    };
    let galley = Arc::clone(&layout.galley);
    ui.memory_mut(|memory| memory.caches.cache::<Layouts>().set(id, layout));
    galley
}

/// The galley of a letter: another one after egui has dropped all glyphs, so that what holds some must be made anew.
pub fn letter(ui: &Ui) -> Arc<Galley> {
    let color = ui.visuals().text_color();
    ui.fonts_mut(|fonts| fonts.layout_no_wrap("a".to_owned(), FontId::default(), color))
}

fn lay_out(ui: &Ui, job: LayoutJob) -> Arc<Galley> {
    #[cfg(test)]
    tests::note_work(job.text.len());
    ui.fonts_mut(|fonts| fonts.layout_job(job))
}

impl TextLayout {
    fn whole(ui: &Ui, job: LayoutJob, letter: Arc<Galley>) -> Self {
        let mut whole = Self {
            galley: lay_out(ui, job),
            starts: vec![Start::default()],
            letter,
        };
        whole.note_starts(0);
        whole
    }

    /// The layout of `job`, reusing the rows that have not changed.
    fn grown(&self, ui: &Ui, job: &LayoutJob) -> Option<Self> {
        let old = &self.galley;
        let same = common_len(&old.job, job);
        // The row after the known one is unchanged, so the first word that did not fit on the known one is, too.
        let rows = self.starts.partition_point(|start| start.byte <= same);
        let known = rows.checked_sub(3)?;
        let start = self.starts[known];
        let points = start.reach / old.pixels_per_point;
        let tail = lay_out(ui, rest_of(job, start.byte, points)?);
        let mut rows = tail.rows.as_slice();
        if start.reach > 0.0 {
            // The first row stands for the text before it.
            rows = (rows
                .split_first()
                .filter(|(first, _)| first.glyphs.is_empty()))?
            .1;
        }
        let (again, rows) = rows.split_first()?;
        if !is_unchanged(again, &old.rows[known]) {
            return None;
        }
        let kept = &old.rows[..=known];
        let mut grown = Self {
            galley: Arc::new(joined(old, kept, &tail, rows, job.clone())),
            starts: self.starts[..known + 2].to_vec(),
            letter: Arc::clone(&self.letter),
        };
        grown.note_starts(known + 1);
        Some(grown)
    }

    /// Records where each row from `first` on ends, which is where the next one begins.
    fn note_starts(&mut self, first: usize) {
        let galley = &self.galley;
        let mut start = self.starts.last().copied().unwrap_or_default();
        for row in &galley.rows[first..] {
            for glyph in &row.glyphs {
                start.byte += glyph.chr.len_utf8();
                start.reach += glyph.advance_width * galley.pixels_per_point;
            }
            if row.ends_with_newline {
                start.byte += 1;
                start.reach = 0.0;
            }
            self.starts.push(start);
        }
        // If there is not one glyph per character, the rows' beginnings are not known.
        if start.byte != galley.job.text.len() {
            self.starts.clear();
        }
    }
}

fn is_same(old: &LayoutJob, new: &LayoutJob) -> bool {
    old.text == new.text && old.sections == new.sections
}

/// The length of the common beginning that looks the same in both, in bytes.
fn common_len(old: &LayoutJob, new: &LayoutJob) -> usize {
    let text = if new.text.starts_with(&old.text) {
        old.text.len()
    } else {
        let pairs = old.text.bytes().zip(new.text.bytes());
        pairs.take_while(|(a, b)| a == b).count()
    };
    let pairs = old.sections.iter().zip(&new.sections);
    let looks = (pairs.clone()).find(|(a, b)| a.format != b.format || a.byte_range != b.byte_range);
    let looks = looks.map_or(usize::MAX, |(a, b)| {
        if a.format == b.format && a.byte_range.start == b.byte_range.start {
            a.byte_range.end.min(b.byte_range.end).0
        } else {
            a.byte_range.start.min(b.byte_range.start).0
        }
    });
    text.min(looks)
}

/// The text of `job` from `start` on, with a leading space of `points` in place of the text before it.
fn rest_of(job: &LayoutJob, start: usize, points: f32) -> Option<LayoutJob> {
    let text = job.text.get(start..)?.to_owned();
    let sections = job.sections.iter().filter(|s| s.byte_range.end.0 > start);
    let mut sections: Vec<LayoutSection> = sections.cloned().collect();
    for section in &mut sections {
        let range = &section.byte_range;
        section.byte_range = range.start.saturating_sub(start)..ByteIndex(range.end.0 - start);
    }
    sections.first_mut()?.leading_space = points;
    Some(LayoutJob {
        text,
        sections,
        wrap: job.wrap.clone(),
        ..LayoutJob::default()
    })
}

/// Whether a row that was laid out again is unchanged, to the pixel.
fn is_unchanged(again: &PlacedRow, before: &PlacedRow) -> bool {
    let mut glyphs = again.glyphs.iter().zip(&before.glyphs);
    again.ends_with_newline == before.ends_with_newline
        && again.glyphs.len() == before.glyphs.len()
        && (again.size - before.size).length() < 1.0
        && glyphs.all(|(a, b)| a.chr == b.chr && (a.pos - b.pos).length() < 1.0)
}

/// The rows of two galleys below each other.
fn joined(
    old: &Galley,
    kept: &[PlacedRow],
    tail: &Galley,
    rows: &[PlacedRow],
    job: LayoutJob,
) -> Galley {
    let newline = kept.last().is_some_and(|row| row.ends_with_newline);
    let parts = [part_of(old, kept), part_of(tail, rows)];
    let mut galley = Galley::concat(Arc::new(job), &parts, old.pixels_per_point);
    // `concat` treats the parts as paragraphs, which would add a line break.
    if let Some(seam) = galley.rows.get_mut(kept.len() - 1) {
        seam.ends_with_newline = newline;
    }
    galley
}

/// Some rows of a galley as a galley of their own.
fn part_of(galley: &Galley, rows: &[PlacedRow]) -> Arc<Galley> {
    let mut part = galley.clone();
    part.rows = rows.to_vec();
    let top = rows.first().map_or(0.0, |row| row.pos.y);
    part.rows.iter_mut().for_each(|row| row.pos.y -= top);
    let meshes = || rows.iter().map(|row| &row.visuals.mesh);
    part.num_vertices = meshes().map(|mesh| mesh.vertices.len()).sum();
    part.num_indices = meshes().map(|mesh| mesh.indices.len()).sum();
    Arc::new(part)
}

#[cfg(test)]
pub mod tests;
