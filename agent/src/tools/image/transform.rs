//! `image`: pictures made smaller, turned, cut and converted. Runs inside the sandbox's process,
//! without threads, and within bounds that are checked before memory is taken: a picture that would
//! unpack to more than they allow is an error of the call.

use super::{Bytes, Operation, PureOperation, ToolError};
use deputy_protocol::{EffectClass, FailureClass};
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbaImage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::io::Cursor;

/// The largest picture that is taken in, in pixels: what good phones make.
const MAX_PIXELS: u64 = 64_000_000;

/// What unpacking one may take, in bytes: eight for each pixel, and something for the decoder.
const MAX_UNPACKED: u64 = 640 << 20;

/// The largest picture that is given back, in pixels.
const MAX_RESULT_PIXELS: u64 = 16_000_000;

/// The largest one in between, in pixels of 16 bytes.
const MAX_BETWEEN_PIXELS: u64 = 24_000_000;

/// What a tool may give back, in bytes.
const MAX_RESULT: usize = 10 << 20;

/// `image.transform`
pub(crate) struct Transform;

/// A picture and what becomes of it, in this order: turned upright as its camera says, cut, turned,
/// resized, converted.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TransformInput {
    /// A PNG, JPEG, WebP or GIF (of which the first picture is taken), of at most 64 megapixels.
    bytes: Bytes,
    /// The part to keep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crop: Option<Area>,
    /// Degrees clockwise: 90, 180 or 270.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rotate: Option<u16>,
    /// The width to come to, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    /// The height to come to, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    /// What to do when width and height are both given and have another shape than the picture.
    #[serde(default)]
    fit: Fit,
    /// What to convert to; the picture's own format, unless something else is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    format: Option<Format>,
    /// The quality of a JPEG, 1 to 100; 85 unless something else is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quality: Option<u8>,
}

/// A part of a picture, in pixels from its upper left corner.
#[derive(Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Area {
    /// From the left.
    x: u32,
    /// From above.
    y: u32,
    /// Its width.
    width: u32,
    /// Its height.
    height: u32,
}

/// How a picture comes to another shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fit {
    /// All of it, as large as fits within.
    #[default]
    Contain,
    /// Filled; what stands out is cut off on both sides alike.
    Cover,
    /// Distorted.
    Stretch,
}

/// A format of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Format {
    /// PNG.
    Png,
    /// JPEG; what is transparent becomes white.
    Jpeg,
    /// WebP, without loss.
    Webp,
    /// GIF.
    Gif,
}

impl Format {
    fn of(self) -> ImageFormat {
        match self {
            Self::Png => ImageFormat::Png,
            Self::Jpeg => ImageFormat::Jpeg,
            Self::Webp => ImageFormat::WebP,
            Self::Gif => ImageFormat::Gif,
        }
    }

    fn from(format: ImageFormat) -> Option<Self> {
        [Self::Png, Self::Jpeg, Self::Webp, Self::Gif]
            .into_iter()
            .find(|known| known.of() == format)
    }
}

/// The picture.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Picture {
    /// Its file.
    bytes: Bytes,
    /// Its width in pixels.
    width: u32,
    /// Its height in pixels.
    height: u32,
    /// Its format.
    format: Format,
    /// Its media type, e.g. `image/png`.
    content_type: String,
}

impl Operation for Transform {
    type Input = TransformInput;
    type Output = Picture;
    const NAME: &'static str = "image.transform";
    const SUMMARY: &'static str = "Resizes, cuts, turns and converts a picture.";
    const CLASSES: &'static [EffectClass] = &[EffectClass::Pure];
}

impl PureOperation for Transform {
    fn run(input: TransformInput) -> Result<Picture, ToolError> {
        let (mut picture, own) = unpack(input.bytes.0)?;
        if let Some(area) = input.crop {
            picture = crop(&picture, area)?;
        }
        picture = match input.rotate {
            None | Some(0) => picture,
            Some(90) => imageops::rotate90(&picture),
            Some(180) => imageops::rotate180(&picture),
            Some(270) => imageops::rotate270(&picture),
            Some(other) => {
                return Err(bad(format!("{other} degrees are not 90, 180 or 270")));
            }
        };
        picture = resize(picture, input.width, input.height, input.fit)?;
        let format = input.format.unwrap_or(own);
        let (width, height) = picture.dimensions();
        if pixels(width, height) > MAX_RESULT_PIXELS {
            return Err(too_large(format!(
                "the picture would have {width} × {height} pixels; {MAX_RESULT_PIXELS} in all are the most"
            )));
        }
        Ok(Picture {
            bytes: Bytes(pack(picture, format, input.quality)?),
            width,
            height,
            format,
            content_type: format.of().to_mime_type().to_owned(),
        })
    }
}

fn bad(message: impl Into<String>) -> ToolError {
    ToolError::invalid_input(Transform::NAME, message)
}

/// An error of the call, which a script may catch: the run itself is well.
fn too_large(message: String) -> ToolError {
    ToolError::not_done(FailureClass::Logic, "too_large", Transform::NAME, message)
}

fn pixels(width: u32, height: u32) -> u64 {
    u64::from(width) * u64::from(height)
}

fn unpack(bytes: Vec<u8>) -> Result<(RgbaImage, Format), ToolError> {
    let unreadable = |e: image::ImageError| match e {
        image::ImageError::Limits(_) => {
            too_large("the picture would unpack to more memory than it may take".to_owned())
        }
        other => bad(format!("the picture cannot be read: {other}")),
    };
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|e| bad(e.to_string()))?;
    let format = reader
        .format()
        .and_then(Format::from)
        .ok_or_else(|| bad("this is not a PNG, JPEG, WebP or GIF"))?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_UNPACKED);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(unreadable)?;
    let (width, height) = decoder.dimensions();
    if pixels(width, height) > MAX_PIXELS || decoder.total_bytes() > MAX_UNPACKED {
        return Err(too_large(format!(
            "the picture has {width} × {height} pixels; {MAX_PIXELS} in all are the most"
        )));
    }
    let orientation = decoder.orientation().map_err(unreadable)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(unreadable)?;
    picture.apply_orientation(orientation);
    Ok((picture.into_rgba8(), format))
}

fn crop(picture: &RgbaImage, area: Area) -> Result<RgbaImage, ToolError> {
    let (width, height) = picture.dimensions();
    let fits = |from: u32, length: u32, whole: u32| {
        length > 0 && from.checked_add(length).is_some_and(|end| end <= whole)
    };
    if !fits(area.x, area.width, width) || !fits(area.y, area.height, height) {
        return Err(bad(format!(
            "the part to keep is not within the picture of {width} × {height} pixels"
        )));
    }
    Ok(imageops::crop_imm(picture, area.x, area.y, area.width, area.height).to_image())
}

fn resize(
    picture: RgbaImage,
    width: Option<u32>,
    height: Option<u32>,
    fit: Fit,
) -> Result<RgbaImage, ToolError> {
    if width == Some(0) || height == Some(0) {
        return Err(bad("width and height are at least 1"));
    }
    let (w, h) = (picture.width(), picture.height());
    let scaled = |length: u32, to: u32, from: u32| -> u32 {
        let length = (u64::from(length) * u64::from(to) + u64::from(from) / 2) / u64::from(from);
        u32::try_from(length).unwrap_or(u32::MAX).max(1)
    };
    let wider = |width: u32, height: u32| {
        u64::from(w) * u64::from(height) > u64::from(h) * u64::from(width)
    };
    match (width, height, fit) {
        (None, None, _) => Ok(picture),
        (Some(width), None, _) => scale(picture, width, scaled(h, width, w)),
        (None, Some(height), _) => scale(picture, scaled(w, height, h), height),
        (Some(width), Some(height), Fit::Stretch) => scale(picture, width, height),
        (Some(width), Some(height), Fit::Contain) if wider(width, height) => {
            scale(picture, width, scaled(h, width, w))
        }
        (Some(_), Some(height), Fit::Contain) => scale(picture, scaled(w, height, h), height),
        (Some(width), Some(height), Fit::Cover) => {
            // Cut first: what is cut off need not be computed.
            let (part_w, part_h) = if wider(width, height) {
                (scaled(width, h, height).min(w), h)
            } else {
                (w, scaled(height, w, width).min(h))
            };
            let (x, y) = ((w - part_w) / 2, (h - part_h) / 2);
            let part = imageops::crop_imm(&picture, x, y, part_w, part_h).to_image();
            scale(part, width, height)
        }
    }
}

fn scale(picture: RgbaImage, width: u32, height: u32) -> Result<RgbaImage, ToolError> {
    let (w, h) = picture.dimensions();
    if (width, height) == (w, h) {
        return Ok(picture);
    }
    if pixels(width, height) > MAX_RESULT_PIXELS {
        return Err(too_large(format!(
            "the picture would have {width} × {height} pixels; {MAX_RESULT_PIXELS} in all are the most"
        )));
    }
    // To much less than half in two steps: first by averages, for which nothing lies in between.
    let picture = if width.saturating_mul(4) <= w && height.saturating_mul(4) <= h {
        imageops::thumbnail(&picture, width * 2, height * 2)
    } else {
        picture
    };
    if pixels(picture.width(), height) <= MAX_BETWEEN_PIXELS {
        return Ok(imageops::resize(
            &picture,
            width,
            height,
            FilterType::CatmullRom,
        ));
    }
    if width <= w && height <= h {
        return Ok(imageops::thumbnail(&picture, width, height));
    }
    Err(too_large(format!(
        "from {w} × {h} to {width} × {height} pixels would take too much memory; cut it first"
    )))
}

fn pack(picture: RgbaImage, format: Format, quality: Option<u8>) -> Result<Vec<u8>, ToolError> {
    let unwritable = |e: image::ImageError| bad(format!("the picture cannot be written: {e}"));
    let mut out = Cursor::new(Vec::new());
    match format {
        Format::Jpeg => {
            let quality = quality.unwrap_or(85);
            if !(1..=100).contains(&quality) {
                return Err(bad(format!("a quality is 1 to 100, not {quality}")));
            }
            on_white(picture)
                .write_with_encoder(JpegEncoder::new_with_quality(&mut out, quality))
                .map_err(unwritable)?;
        }
        Format::Png | Format::Webp | Format::Gif => {
            DynamicImage::ImageRgba8(picture)
                .write_to(&mut out, format.of())
                .map_err(unwritable)?;
        }
    }
    let bytes = out.into_inner();
    if bytes.len() > MAX_RESULT {
        return Err(too_large(format!(
            "the picture's file has {} bytes, more than {MAX_RESULT}; make it smaller, or a jpeg",
            bytes.len()
        )));
    }
    Ok(bytes)
}

/// JPEG knows nothing transparent.
fn on_white(picture: RgbaImage) -> DynamicImage {
    let (width, height) = picture.dimensions();
    let mut flat = Vec::with_capacity(usize::try_from(pixels(width, height) * 3).unwrap_or(0));
    for pixel in picture.pixels() {
        let [r, g, b, a] = pixel.0.map(u32::from);
        for channel in [r, g, b] {
            let mixed = (channel * a + 255 * (255 - a) + 127) / 255;
            flat.push(u8::try_from(mixed).unwrap_or(255));
        }
    }
    image::RgbImage::from_raw(width, height, flat).map_or_else(
        || DynamicImage::ImageRgba8(picture),
        DynamicImage::ImageRgb8,
    )
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
