//! Pixels, colours and text of the chart, and how they become PNG.
//!
//! Invariant: nothing outside of the picture is touched.

use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::Gray8;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::{PrimitiveStyle, Rectangle};
use embedded_graphics::text::{Alignment, Baseline, Text, TextStyleBuilder};
use std::convert::Infallible;

/// Pixels; a telephone shows some 400 across.
pub(super) const WIDTH: u32 = 480;
pub(super) const HEIGHT: u32 = 320;

/// Colours by their place in [`PALETTE`].
pub(super) const WHITE: u8 = 0;
pub(super) const INK: u8 = 1;
pub(super) const GRID: u8 = 2;
pub(super) const GAP: u8 = 3;
pub(super) const TREND: u8 = 4;
pub(super) const SPIKE: u8 = 5;
pub(super) const FILL: u8 = 6;
pub(super) const LINE: u8 = 7;
pub(super) const PALETTE: [[u8; 3]; 11] = [
    [255, 255, 255],
    [34, 34, 34],
    [221, 221, 221],
    [250, 214, 210],
    [96, 96, 96],
    [200, 30, 30],
    [222, 235, 247],
    [31, 105, 175],
    [217, 95, 2],
    [27, 140, 105],
    [117, 82, 170],
];

pub(super) fn stroke(colour: u8, width: u32) -> PrimitiveStyle<Gray8> {
    PrimitiveStyle::with_stroke(Gray8::new(colour), width)
}

pub(super) fn fill(canvas: &mut Canvas, area: Rectangle, colour: u8) -> Result<(), Infallible> {
    let style = PrimitiveStyle::with_fill(Gray8::new(colour));
    area.into_styled(style).draw(canvas)
}

pub(super) fn write(
    canvas: &mut Canvas,
    text: &str,
    font: &MonoFont<'_>,
    x: i32,
    y: i32,
    colour: u8,
    alignment: Alignment,
) -> Result<(), Infallible> {
    let style = MonoTextStyle::new(font, Gray8::new(colour));
    let place = TextStyleBuilder::new()
        .alignment(alignment)
        .baseline(Baseline::Top)
        .build();
    Text::with_text_style(text, Point::new(x, y), style, place).draw(canvas)?;
    Ok(())
}

/// A place of [`PALETTE`] for each pixel.
pub(super) struct Canvas(Vec<u8>);

impl Canvas {
    pub(super) fn new() -> Self {
        Self(vec![WHITE; (WIDTH * HEIGHT) as usize])
    }

    pub(super) fn png(&self) -> Result<Vec<u8>, png::EncodingError> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, WIDTH, HEIGHT);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(png::BitDepth::Four);
        encoder.set_palette(PALETTE.concat());
        encoder.set_compression(png::Compression::High);
        let halves = self.0.chunks_exact(2);
        let packed: Vec<u8> = halves.map(|pair| pair[0] << 4 | pair[1]).collect();
        encoder.write_header()?.write_image_data(&packed)?;
        Ok(bytes)
    }
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        Size::new(WIDTH, HEIGHT)
    }
}

impl DrawTarget for Canvas {
    type Color = Gray8;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Gray8>>>(
        &mut self,
        pixels: I,
    ) -> Result<(), Infallible> {
        for Pixel(point, colour) in pixels {
            let place = match (u32::try_from(point.x), u32::try_from(point.y)) {
                (Ok(x), Ok(y)) if x < WIDTH => y as usize * WIDTH as usize + x as usize,
                _ => continue,
            };
            if let Some(pixel) = self.0.get_mut(place) {
                *pixel = colour.luma();
            }
        }
        Ok(())
    }
}
