#![allow(clippy::unwrap_used)]
use super::*;
use image::{ImageBuffer, Rgba};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Red on the left, blue on the right.
fn picture(width: u32, height: u32, format: ImageFormat) -> Bytes {
    let image = ImageBuffer::from_fn(width, height, |x, _| {
        if x < width / 2 {
            Rgba([255u8, 0, 0, 255])
        } else {
            Rgba([0, 0, 255, 255])
        }
    });
    let mut out = Cursor::new(Vec::new());
    let image = DynamicImage::ImageRgba8(image);
    let image = if format == ImageFormat::Jpeg {
        DynamicImage::ImageRgb8(image.into_rgb8())
    } else {
        image
    };
    image.write_to(&mut out, format).unwrap();
    Bytes(out.into_inner())
}

fn transform(bytes: Bytes, args: Value) -> Result<Picture, ToolError> {
    let mut args = args;
    args["bytes"] = serde_json::to_value(bytes).unwrap();
    Transform::run(serde_json::from_value(args).unwrap())
}

fn size(args: Value) -> (u32, u32) {
    let made = transform(picture(40, 20, ImageFormat::Png), args).unwrap();
    let decoded = image::load_from_memory(&made.bytes.0).unwrap();
    assert_eq!(
        (decoded.width(), decoded.height()),
        (made.width, made.height)
    );
    (made.width, made.height)
}

fn is_red(image: &RgbaImage, x: u32, y: u32) -> bool {
    let [r, _, b, _] = image.get_pixel(x, y).0;
    r > 200 && b < 60
}

#[test]
fn a_picture_comes_to_the_size_that_is_asked_for() {
    assert_eq!(size(json!({})), (40, 20));
    assert_eq!(size(json!({"width": 20})), (20, 10));
    assert_eq!(size(json!({"height": 5})), (10, 5));
    assert_eq!(size(json!({"width": 20, "height": 20})), (20, 10));
    assert_eq!(size(json!({"width": 20, "height": 4})), (8, 4));
    assert_eq!(
        size(json!({"width": 20, "height": 20, "fit": "cover"})),
        (20, 20)
    );
    assert_eq!(
        size(json!({"width": 3, "height": 30, "fit": "stretch"})),
        (3, 30)
    );
    assert_eq!(size(json!({"width": 80})), (80, 40));
    assert_eq!(size(json!({"width": 4})), (4, 2));
    assert_eq!(
        size(json!({"crop": {"x": 5, "y": 5, "width": 10, "height": 8}})),
        (10, 8)
    );
    assert_eq!(size(json!({"rotate": 90})), (20, 40));
}

#[test]
fn what_is_kept_is_what_was_there() {
    let png = || picture(40, 20, ImageFormat::Png);
    let look = |args: Value| {
        let made = transform(png(), args).unwrap();
        image::load_from_memory(&made.bytes.0).unwrap().into_rgba8()
    };
    let half = look(json!({"width": 20}));
    assert!(is_red(&half, 2, 5) && !is_red(&half, 18, 5));
    let turned = look(json!({"rotate": 180}));
    assert!(!is_red(&turned, 2, 5) && is_red(&turned, 38, 5));
    let right = look(json!({"crop": {"x": 20, "y": 0, "width": 20, "height": 20}}));
    assert!(!is_red(&right, 1, 1));
    let down = look(json!({"rotate": 90}));
    assert!(is_red(&down, 10, 2) && !is_red(&down, 10, 38));
}

#[test]
fn every_format_becomes_every_other() {
    for from in [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::WebP,
        ImageFormat::Gif,
    ] {
        for (name, to) in [
            ("png", ImageFormat::Png),
            ("jpeg", ImageFormat::Jpeg),
            ("webp", ImageFormat::WebP),
            ("gif", ImageFormat::Gif),
        ] {
            let made = transform(picture(40, 20, from), json!({"format": name})).unwrap();
            assert_eq!(image::guess_format(&made.bytes.0).unwrap(), to);
            assert_eq!(made.content_type, to.to_mime_type());
            let decoded = image::load_from_memory(&made.bytes.0).unwrap().into_rgba8();
            assert!(
                is_red(&decoded, 5, 10) && !is_red(&decoded, 35, 10),
                "{from:?} to {to:?}"
            );
        }
    }
}

#[test]
fn what_is_transparent_becomes_white_in_a_jpeg() {
    let mut out = Cursor::new(Vec::new());
    RgbaImage::new(8, 8)
        .write_to(&mut out, ImageFormat::Png)
        .unwrap();
    let made = transform(Bytes(out.into_inner()), json!({"format": "jpeg"})).unwrap();
    let decoded = image::load_from_memory(&made.bytes.0).unwrap().into_rgb8();
    assert_eq!(decoded.get_pixel(4, 4).0, [255, 255, 255]);
}

/// A PNG that says it is enormous, which costs its maker a few bytes.
fn bomb(width: u32, height: u32) -> Bytes {
    let Bytes(mut png) = picture(1, 1, ImageFormat::Png);
    png[16..20].copy_from_slice(&width.to_be_bytes());
    png[20..24].copy_from_slice(&height.to_be_bytes());
    let crc = crc32(&png[12..29]);
    png[29..33].copy_from_slice(&crc.to_be_bytes());
    Bytes(png)
}

/// As PNG defines it.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (0u32.wrapping_sub(crc & 1)))
        })
    })
}

#[test]
fn a_picture_that_unpacks_to_too_much_is_an_error_of_the_call() {
    for (width, height) in [(100_000, 100_000), (65_000, 1_000), (2_000_000_000, 1)] {
        let error = transform(bomb(width, height), json!({})).unwrap_err();
        assert!(
            matches!(error.code.as_str(), "too_large" | "invalid_input"),
            "{error}"
        );
        assert_eq!(error.class, FailureClass::Logic);
    }
    let error = transform(bomb(10_000, 10_000), json!({})).unwrap_err();
    assert_eq!(error.code, "too_large");
    for (width, height) in [(100_000, 100_000), (4_000_000_000_u32, 1)] {
        let args = json!({"width": width, "height": height, "fit": "stretch"});
        let error = transform(picture(40, 20, ImageFormat::Png), args).unwrap_err();
        assert_eq!(error.code, "too_large");
    }
}

#[test]
fn nonsense_is_refused() {
    let png = || picture(40, 20, ImageFormat::Png);
    for args in [
        json!({"rotate": 45}),
        json!({"width": 0}),
        json!({"format": "jpeg", "quality": 0}),
        json!({"crop": {"x": 39, "y": 0, "width": 2, "height": 1}}),
        json!({"crop": {"x": u32::MAX, "y": 0, "width": 2, "height": 1}}),
        json!({"crop": {"x": 0, "y": 0, "width": 0, "height": 1}}),
    ] {
        let error = transform(png(), args.clone()).unwrap_err();
        assert_eq!(error.code, "invalid_input", "{args}");
    }
    assert!(transform(Bytes(b"no picture".to_vec()), json!({})).is_err());
    let Bytes(mut half) = png();
    half.truncate(half.len() / 2);
    assert!(transform(Bytes(half), json!({})).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_broken_picture_is_read_or_refused(at in 0usize..200, byte: u8, format in 0usize..4) {
        let format = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif][format];
        let Bytes(mut bytes) = picture(16, 16, format);
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = transform(Bytes(bytes), json!({"width": 8}));
    }
}
