//! Draws many points cheaply: one mesh for each target, a square for each run, a bar where a pixel column has too many.
//!
//! A circle costs the tessellator twenty times what a square does, and among many points nobody sees the difference.
//! The cost grows with the number of pixels, not with the number of runs.

use std::ops::RangeInclusive;

use egui::{
    Color32, Mesh, Pos2, Rect, Shape, Ui, Vec2, epaint::Vertex, epaint::WHITE_UV, pos2, vec2,
};
use egui_plot::{PlotBounds, PlotGeometry, PlotItem, PlotItemBase, PlotPoint, PlotTransform};

/// From this many points in one pixel column on, a bar from the lowest to the highest is drawn. The history returns at
/// most this many per pixel.
const BAR_FROM: usize = 3;

/// The runs of one target over one kind of connection, in order of time.
pub struct Cloud<'a> {
    base: PlotItemBase,
    points: &'a [PlotPoint],
    color: Color32,
    filled: bool,
}

impl<'a> Cloud<'a> {
    /// Points of one colour; `filled` unless they are of cold runs.
    pub fn new(name: String, points: &'a [PlotPoint], color: Color32, filled: bool) -> Self {
        Self {
            base: PlotItemBase::new(name),
            points,
            color,
            filled,
        }
    }

    fn mesh(&self, transform: &PlotTransform) -> Mesh {
        let frame = transform.frame().expand(4.0);
        let column = |point: &PlotPoint| transform.position_from_point_x(point.x).floor();
        let mut mesh = Mesh::default();
        for points in self
            .points
            .chunk_by(|a, b| column(a).total_cmp(&column(b)).is_eq())
        {
            if !frame.x_range().contains(column(&points[0])) {
                continue;
            }
            let at = points.iter().map(|p| transform.position_from_point(p));
            if points.len() < BAR_FROM {
                at.for_each(|at| self.point(&mut mesh, at));
            } else {
                let bar = at.fold(Rect::NOTHING, |bar, at| bar.union(Rect::from_pos(at)));
                let x = column(&points[0]);
                let bar = Rect::from_x_y_ranges(x..=x + 1.0, bar.y_range()).expand2(vec2(0.0, 0.5));
                mesh.add_colored_rect(bar, self.color.gamma_multiply(0.4));
            }
        }
        mesh
    }

    fn point(&self, mesh: &mut Mesh, at: Pos2) {
        if self.filled {
            mesh.add_colored_rect(Rect::from_center_size(at, Vec2::splat(2.5)), self.color);
        } else {
            let ring = Rect::from_center_size(at, Vec2::splat(4.0));
            for side in [
                Rect::from_min_max(ring.min, pos2(ring.max.x, ring.min.y + 1.0)),
                Rect::from_min_max(pos2(ring.min.x, ring.max.y - 1.0), ring.max),
            ] {
                mesh.add_colored_rect(side, self.color);
            }
        }
    }
}

impl PlotItem for Cloud<'_> {
    fn shapes(&self, _ui: &Ui, transform: &PlotTransform, shapes: &mut Vec<Shape>) {
        shapes.push(Shape::mesh(self.mesh(transform)));
    }

    fn initialize(&mut self, _x_range: RangeInclusive<f64>) {}

    fn color(&self) -> Color32 {
        self.color
    }

    fn geometry(&self) -> PlotGeometry<'_> {
        // The plot need not find the nearest point: `under_pointer` finds the run.
        PlotGeometry::None
    }

    fn bounds(&self) -> PlotBounds {
        PlotBounds::NOTHING
    }

    fn base(&self) -> &PlotItemBase {
        &self.base
    }

    fn base_mut(&mut self) -> &mut PlotItemBase {
        &mut self.base
    }
}

/// Adds a diagonal cross of two strokes to a mesh.
pub fn cross(mesh: &mut Mesh, at: Pos2, arm: f32, color: Color32) {
    const HALF: f32 = 0.64;
    for slope in [1.0, -1.0] {
        let along = vec2(arm, arm * slope);
        let across = vec2(HALF, -HALF * slope);
        let first = u32::try_from(mesh.vertices.len()).unwrap_or(0);
        for pos in [
            at - along - across,
            at + along - across,
            at + along + across,
            at - along + across,
        ] {
            mesh.vertices.push(Vertex {
                pos,
                uv: WHITE_UV,
                color,
            });
        }
        mesh.add_triangle(first, first + 1, first + 2);
        mesh.add_triangle(first, first + 2, first + 3);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(points: &[PlotPoint]) -> usize {
        let frame = Rect::from_min_size(Pos2::ZERO, vec2(100.0, 100.0));
        let bounds = PlotBounds::from_min_max([0.0, 0.0], [100.0, 100.0]);
        let transform = PlotTransform::new(frame, bounds, [false, false]);
        let cloud = Cloud::new("a".into(), points, Color32::RED, true);
        cloud.mesh(&transform).vertices.len() / 4
    }

    #[test]
    fn what_is_drawn_grows_with_the_pixels() {
        let point = |x: f64, y: f64| PlotPoint::new(x, y);
        assert_eq!(drawn(&[point(10.2, 5.0), point(10.4, 90.0)]), 2);
        assert_eq!(drawn(&[point(500.0, 5.0)]), 0, "out of sight");
        let many: Vec<_> = (0..100_000)
            .map(|n| point(f64::from(n) / 1000.0, 50.0))
            .collect();
        assert_eq!(drawn(&many), 100);
    }
}
