"""What a file is, told by its first bytes; names lie, and bytes have none."""

from __future__ import annotations

from typing import Final, NamedTuple

HEAD: Final = 512
"""Bytes of a file that tell."""


class Format(NamedTuple):
    """A format of files.

    Args:
        name: what people call it.
        kind: "image", "video", "audio", "mesh" or "other".
        suffix: the usual one, with its dot.
    """

    name: str
    kind: str
    suffix: str


_PNG: Final = Format("PNG", "image", ".png")
_AVIF: Final = Format("AVIF", "image", ".avif")
_HEIC: Final = Format("HEIC", "image", ".heic")
_JPEG_2000: Final = Format("JPEG 2000", "image", ".jp2")
_TIFF: Final = Format("TIFF", "image", ".tiff")
_MP4: Final = Format("MP4", "video", ".mp4")
_MP3: Final = Format("MP3", "audio", ".mp3")
_HTML: Final = Format("HTML", "other", ".html")
_SVG: Final = Format("SVG", "image", ".svg")

_AT_0: Final[tuple[tuple[bytes, Format], ...]] = (
    (b"\x89PNG\r\n\x1a\n", _PNG),
    (b"\xff\xd8\xff", Format("JPEG", "image", ".jpg")),
    (b"GIF8", Format("GIF", "image", ".gif")),
    (b"BM", Format("BMP", "image", ".bmp")),
    (b"II*\x00", _TIFF),
    (b"MM\x00*", _TIFF),
    (b"\x00\x00\x00\x0cjP  ", _JPEG_2000),
    (b"\xff\x4f\xff\x51", _JPEG_2000),
    (b"qoif", Format("QOI", "image", ".qoi")),
    (b"DDS ", Format("DDS", "image", ".dds")),
    (b"\x00\x00\x01\x00", Format("ICO", "image", ".ico")),
    (b"8BPS", Format("PSD", "image", ".psd")),
    (b"v/1\x01", Format("OpenEXR", "image", ".exr")),
    (b"#?RADIANCE", Format("Radiance HDR", "image", ".hdr")),
    (b"\xff\x0a", Format("JPEG XL", "image", ".jxl")),
    (b"\x00\x00\x00\x0cJXL ", Format("JPEG XL", "image", ".jxl")),
    (b"FLV\x01", Format("FLV", "video", ".flv")),
    (b"\x00\x00\x01\xba", Format("MPEG", "video", ".mpg")),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Format("WMV", "video", ".wmv")),
    (b"fLaC", Format("FLAC", "audio", ".flac")),
    (b"ID3", _MP3),
    (b".snd", Format("AU", "audio", ".au")),
    (b"caff", Format("CAF", "audio", ".caf")),
    (b"#!AMR", Format("AMR", "audio", ".amr")),
    (b"\x0b\x77", Format("AC-3", "audio", ".ac3")),
    (b"MThd", Format("MIDI", "other", ".mid")),
    (b"glTF", Format("glTF", "mesh", ".glb")),
    (b"%PDF", Format("PDF", "other", ".pdf")),
    (b"PK\x03\x04", Format("ZIP", "other", ".zip")),
    (b"\x1f\x8b", Format("gzip", "other", ".gz")),
)
_RIFF: Final = {
    b"WEBP": Format("WebP", "image", ".webp"),
    b"WAVE": Format("WAV", "audio", ".wav"),
    b"AVI ": Format("AVI", "video", ".avi"),
}
_BRANDS: Final = {
    **dict.fromkeys((b"avif", b"avis"), _AVIF),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), _HEIC),
    b"qt  ": Format("QuickTime", "video", ".mov"),
    b"M4A ": Format("M4A", "audio", ".m4a"),
    b"M4B ": Format("M4A", "audio", ".m4a"),
}
"""The major brand of what begins with ``ftyp`` (ISO/IEC 14496-12); any other is an MP4."""

_PNM: Final = Format("PNM", "image", ".pnm")


def format_of(head: bytes) -> Format | None:
    """Return the format of what begins with ``head``; None if these bytes do not tell.

    Args:
        head: the first ``HEAD`` bytes, or all if there are fewer.
    """
    if head[:4] in (b"RIFF", b"RIFX"):
        return _RIFF.get(head[8:12])
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        return _AVIF if brand in (b"mif1", b"msf1") and b"avif" in head[16:64] else _BRANDS.get(brand, _MP4)
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return Format("AIFF", "audio", ".aiff")
    if head[:4] == b"OggS":
        seen = b"theora" in head
        return Format("Ogg video", "video", ".ogv") if seen else Format("Ogg", "audio", ".ogg")
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return Format("WebM", "video", ".webm") if b"webm" in head[:64] else Format("Matroska", "video", ".mkv")
    found = next((each for mark, each in _AT_0 if head.startswith(mark)), None)
    return found or _by_pattern(head)


def _by_pattern(head: bytes) -> Format | None:
    """Return the format of what has no fixed beginning."""
    if head[:1] == b"P" and head[1:2] in tuple(b"%d" % each for each in range(1, 8)) and head[2:3].isspace():
        return _PNM
    if head[:1] == b"G" and len(head) > 188 and head[188:189] == b"G":
        return Format("MPEG-TS", "video", ".ts")
    if head[:1] == b"\xff" and len(head) > 1 and head[1] & 0xE0 == 0xE0:  # ISO/IEC 11172-3 and 13818-7: 11 bits of 1
        return Format("AAC", "audio", ".aac") if head[1] & 0xF6 == 0xF0 else _MP3
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return _HTML
    return _SVG if text.startswith((b"<svg", b"<?xml", b"<!--")) and b"<svg" in text else None
