"""Made clips for the look: good ones that come near to a fault, and the faults; drawn by Pillow, two seconds long."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from random import Random
from typing import TypeAlias

import av
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

SIZE = WIDTH, HEIGHT = 320, 192
FRAMES = 48
Picture: TypeAlias = Image.Image
Clip: TypeAlias = Callable[[], Iterable[Picture]]
NOISE_DEVIATION = 42.7  # of the mean of three uniform bytes


def noise(deviation: float, seed: int, size: tuple[int, int] = SIZE) -> Picture:
    """Grey noise around 128, nearly Gaussian."""
    random, count = Random(seed), size[0] * size[1]
    first, second, third = (Image.frombytes("L", size, random.randbytes(count)) for _ in range(3))
    mean = Image.blend(Image.blend(first, second, 0.5), third, 1 / 3)
    return mean.point([max(0, min(255, round(128 + (v - 127.5) * deviation / NOISE_DEVIATION))) for v in range(256)])


def colour_noise(deviation: float, seed: int, size: tuple[int, int] = SIZE) -> Picture:
    """Noise in each channel."""
    return Image.merge("RGB", [noise(deviation, seed * 3 + channel, size) for channel in range(3)])


def texture(size: tuple[int, int], seed: int, octaves: tuple[int, ...] = (4, 8, 16, 32, 64)) -> Picture:
    """Clouds of several sizes, as grass, leaves or water have them."""
    bands = []
    for channel in range(3):
        band = Image.new("L", size, 128)
        for octave in octaves:
            small = (max(2, octave), max(2, octave * size[1] // size[0] + 2))
            layer = noise(60, seed * 301 + channel * 100 + octave, small).resize(size, Image.Resampling.BICUBIC)
            band = Image.blend(band, layer, 0.3)
        bands.append(ImageOps.autocontrast(band))
    return Image.merge("RGB", [Image.blend(bands[0], band, 0.4) for band in bands])


def scene(size: tuple[int, int] = SIZE, seed: int = 1) -> Picture:
    """Sky, sun, a house and a meadow."""
    width, height = size
    slope = Image.linear_gradient("L").resize((width, height // 2))
    sky = Image.merge("RGB", [slope.point([int(low + v * 0.3) for v in range(256)]) for low in (80, 110, 170)])
    picture = Image.new("RGB", size)
    picture.paste(sky, (0, 0))
    meadow = texture((width, height - height // 2), seed).filter(ImageFilter.GaussianBlur(3))
    picture.paste(meadow, (0, height // 2))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((width * 0.6, height * 0.3, width * 0.75, height * 0.7), fill=(140, 60, 40))
    draw.ellipse((width * 0.1, height * 0.1, width * 0.2, height * 0.1 + width * 0.1), fill=(250, 230, 150))
    return picture


def dim(picture: Picture, by: float) -> Picture:
    return picture.point([max(0, min(255, int(v * by))) for v in range(256)] * 3)


def panned(wide: Picture, step: float) -> Iterator[Picture]:
    for number in range(FRAMES):
        left = int(number * step)
        yield wide.crop((left, 0, left + WIDTH, HEIGHT))


def drawn(back: Picture, draw: Callable[[ImageDraw.ImageDraw, int], object]) -> Iterator[Picture]:
    """Frames that show ``back`` and what is drawn onto it."""
    for number in range(FRAMES):
        picture = back.copy()
        draw(ImageDraw.Draw(picture), number)
        yield picture


def title(text: str, ink: str, paper: str) -> Picture:
    picture = Image.new("RGB", SIZE, paper)
    ImageDraw.Draw(picture).text((60, 80), text, fill=ink, font_size=20)
    return picture


def plain(colour: tuple[int, int, int]) -> Picture:
    return Image.new("RGB", SIZE, colour)


def fade_from_black() -> Iterator[Picture]:
    still = scene()
    return (dim(still, max(0.0, number / 24 - 1)) for number in range(FRAMES))


def fade_to_black() -> Iterator[Picture]:
    still = scene()
    return (dim(still, max(0.0, 1 - number / 24)) for number in range(FRAMES))


def fade_to_white() -> Iterator[Picture]:
    still, white = scene(), plain((255, 255, 255))
    return (Image.blend(still, white, min(1.0, number / 24)) for number in range(FRAMES))


def night() -> Iterator[Picture]:
    return drawn(dim(scene(), 0.08), lambda d, n: d.ellipse((40 + n * 3, 100, 46 + n * 3, 106), fill=(200, 190, 120)))


def darkest_night() -> Iterator[Picture]:
    return drawn(plain((2, 2, 3)), lambda d, n: d.ellipse((100 + n, 60, 160 + n, 140), fill=(14, 14, 18)))


def night_with_one_star() -> Iterator[Picture]:
    return drawn(plain((0, 0, 0)), lambda d, n: d.rectangle((100 + n, 60, 101 + n, 61), fill=(220, 220, 220)))


def title_with_cursor() -> Iterator[Picture]:
    back = title("THE TITLE OF THE FILM", "white", "#14143c")
    return drawn(back, lambda d, n: n // 8 % 2 and d.rectangle((290, 82, 292, 96), fill="white"))


def title_with_dot() -> Iterator[Picture]:
    back = title("A QUIET TITLE", "#1e1e1e", "#f0f0e6")
    return drawn(back, lambda d, n: d.ellipse((60 + n * 2, 120, 64 + n * 2, 124), fill=(200, 30, 30)))


def title_with_one_blink() -> Iterator[Picture]:
    back = title("A QUIET TITLE", "#e6e6e6", "#0a0a0a")
    return drawn(back, lambda d, n: n in (31, 32) and d.ellipse((150, 130, 156, 136), fill="white"))


def cartoon() -> Iterator[Picture]:
    return drawn(
        plain((90, 180, 230)),
        lambda d, n: d.rectangle((20 + n * 4, 100 - n % 8, 28 + n * 4, 112 - n % 8), fill=(230, 60, 40)),
    )


def cartoon_with_tiny_figure() -> Iterator[Picture]:
    return drawn(plain((90, 180, 90)), lambda d, n: d.rectangle((100 + n, 100, 103 + n, 103), fill=(60, 120, 60)))


def grain() -> Iterator[Picture]:
    for number, picture in enumerate(panned(scene((WIDTH + 2 * FRAMES, HEIGHT)), 2)):
        yield ImageChops.add(picture, colour_noise(18, number % 12), 1, -128)


def heavy_grain_on_a_dim_scene() -> Iterator[Picture]:
    for number, picture in enumerate(panned(dim(scene((WIDTH + 2 * FRAMES, HEIGHT)), 0.4), 2)):
        yield ImageChops.add(picture, colour_noise(25, number % 12), 1, -128)


def slow_pan() -> Iterator[Picture]:
    wide = scene((WIDTH * 4 + FRAMES, HEIGHT * 4))
    for number in range(FRAMES):
        yield wide.resize(SIZE, Image.Resampling.BILINEAR, box=(number, 0, number + WIDTH * 4, HEIGHT * 4))


def slowest_pan() -> Iterator[Picture]:
    wide = scene((WIDTH * 2 + 8, HEIGHT * 2))
    for number in range(FRAMES):
        left = number / 8
        yield wide.resize(SIZE, Image.Resampling.BILINEAR, box=(left, 0, left + WIDTH * 2, HEIGHT * 2))


def slow_zoom() -> Iterator[Picture]:
    still = scene((WIDTH * 2, HEIGHT * 2))
    for number in range(FRAMES):
        edge = number / 4
        box = (edge, edge * 0.6, WIDTH * 2 - edge, HEIGHT * 2 - edge * 0.6)
        yield still.resize(SIZE, Image.Resampling.BILINEAR, box=box)


def breathing() -> Iterator[Picture]:
    """One pixel out and in, with soft edges, before a picture that stands."""
    still = scene()
    for number in range(FRAMES):
        out = 2 * math.sin(number / FRAMES * 2 * math.pi)
        mask = Image.new("L", (WIDTH * 2, HEIGHT * 2))
        ImageDraw.Draw(mask).ellipse((240 - out, 140 - out, 380 + out, 300 + out), fill=255)
        picture = still.copy()
        picture.paste((200, 150, 140), (0, 0), mask.resize(SIZE).filter(ImageFilter.GaussianBlur(1)))
        yield picture


def leaves_in_a_breeze() -> Iterator[Picture]:
    still = scene()
    leaves = still.crop((20, 110, 60, 150))
    for number in range(FRAMES):
        picture = still.copy()
        picture.paste(leaves, (20 + round(1.2 * math.sin(number / 4)), 110))
        yield picture


def timelapse() -> Iterator[Picture]:
    still = scene()
    for number in range(FRAMES):
        clouds = texture(SIZE, 5 + number, (4, 8, 16))
        yield dim(Image.blend(still, clouds, 0.3), 0.5 + 0.4 * math.sin(number / 5))


def strobe() -> Iterator[Picture]:
    still, white = scene(), plain((255, 255, 255))
    return (white if number % 2 else still for number in range(FRAMES))


def strobe_in_the_dark() -> Iterator[Picture]:
    still, black = scene(), plain((0, 0, 0))
    return (black if number % 6 else still for number in range(FRAMES))


def strobe_of_nothing() -> Iterator[Picture]:
    return (plain((255, 255, 255) if number // 4 % 2 else (0, 0, 0)) for number in range(FRAMES))


def lightning() -> Iterator[Picture]:
    still, dark = scene(), dim(scene(), 0.07)
    return (still if number in (20, 21, 24) else dark for number in range(FRAMES))


def snow() -> Iterator[Picture]:
    random = Random(3)
    flakes = [(random.random() * WIDTH, random.random() * HEIGHT, random.choice((1, 2, 3))) for _ in range(700)]

    def fall(draw: ImageDraw.ImageDraw, number: int) -> None:
        for left, top, size in flakes:
            x, y = (left + 3 * math.sin(number / 6 + top)) % WIDTH, (top + number * size * 2) % HEIGHT
            draw.ellipse((x, y, x + size, y + size), fill=(235, 235, 240))

    return drawn(dim(scene(), 0.5), fall)


def blizzard() -> Iterator[Picture]:
    def blow(draw: ImageDraw.ImageDraw, number: int) -> None:
        random = Random(number)
        for _ in range(2500):
            x, y = random.random() * WIDTH, random.random() * HEIGHT
            draw.rectangle((x, y, x + 1, y + 1), fill=(220, 225, 230))

    return drawn(plain((110, 115, 125)), blow)


def stars() -> Iterator[Picture]:
    sky = Image.new("RGB", (WIDTH + FRAMES, HEIGHT), (3, 3, 8))
    random = Random(8)
    for _ in range(1500):
        light = random.randrange(60, 255)
        sky.putpixel((random.randrange(sky.width), random.randrange(HEIGHT)), (light, light, light))
    return panned(sky, 1)


def rain() -> Iterator[Picture]:
    def pour(draw: ImageDraw.ImageDraw, number: int) -> None:
        random = Random(number)
        for _ in range(300):
            x, y = random.random() * WIDTH, random.random() * HEIGHT
            draw.line((x, y, x - 2, y + 12), fill=(170, 175, 190))

    return drawn(dim(scene(), 0.6), pour)


def confetti(count: int = 1200, sizes: tuple[int, ...] = (3, 4, 5)) -> Iterator[Picture]:
    random = Random(3)
    pieces = [
        (random.random() * WIDTH, random.random() * HEIGHT, random.choice(sizes), tuple(random.randbytes(3)))
        for _ in range(count)
    ]

    def fall(draw: ImageDraw.ImageDraw, number: int) -> None:
        for x, top, size, colour in pieces:
            y = (top + number * size * 0.5) % HEIGHT
            draw.rectangle((x, y, x + size, y + size * abs(math.sin(number / 4 + x))), fill=colour)

    return drawn(plain((30, 30, 40)), fall)


def fine_confetti() -> Iterator[Picture]:
    return confetti(6000, (2, 3))


def water() -> Iterator[Picture]:
    waves = texture((WIDTH * 2, HEIGHT * 2), 7, (16, 32, 64, 128))
    blue = plain((20, 70, 110))
    for number in range(FRAMES):
        there = waves.crop((number * 2, 0, number * 2 + WIDTH, HEIGHT))
        back = waves.crop((60 - number, number, 60 - number + WIDTH, number + HEIGHT))
        yield Image.blend(Image.blend(there, back, 0.5), blue, 0.5)


def fire() -> Iterator[Picture]:
    flames = ImageOps.autocontrast(noise(50, 7, (80, 288)).resize((WIDTH, HEIGHT * 6), Image.Resampling.BICUBIC))
    slope = Image.linear_gradient("L").resize(SIZE)
    for number in range(FRAMES):
        top = HEIGHT * 4 - number * 12 % (HEIGHT * 3)
        heat = ImageChops.multiply(flames.crop((0, top, WIDTH, top + HEIGHT)), slope)
        yield ImageOps.colorize(heat, (0, 0, 0), (255, 240, 160), (220, 80, 10))


def candle() -> Iterator[Picture]:
    glow = ImageOps.invert(Image.radial_gradient("L")).resize(SIZE)
    for number in range(FRAMES):
        level = 0.6 + 0.05 * math.sin(number * 1.3)
        yield ImageOps.colorize(glow.point([int(v * level) for v in range(256)]), (0, 0, 0), (255, 200, 120))


def black_and_white() -> Iterator[Picture]:
    return panned(ImageOps.grayscale(scene((WIDTH + 3 * FRAMES, HEIGHT))).convert("RGB"), 3)


def letterbox() -> Iterator[Picture]:
    for picture in panned(scene((WIDTH + 3 * FRAMES, HEIGHT)), 3):
        draw = ImageDraw.Draw(picture)
        draw.rectangle((0, 0, WIDTH, 50), fill="black")
        draw.rectangle((0, HEIGHT - 50, WIDTH, HEIGHT), fill="black")
        yield picture


def still_then_motion() -> Iterator[Picture]:
    wide = scene((WIDTH + 100, HEIGHT))
    for number in range(FRAMES):
        left = max(0, number - 42) * 3
        yield wide.crop((left, 0, left + WIDTH, HEIGHT))


def motion_then_still() -> Iterator[Picture]:
    wide = scene((WIDTH + 100, HEIGHT))
    for number in range(FRAMES):
        left = min(6, number) * 3
        yield wide.crop((left, 0, left + WIDTH, HEIGHT))


def change_of_colour() -> Iterator[Picture]:
    return (plain((number * 5, 100, 255 - number * 5)) for number in range(FRAMES))


def fog() -> Iterator[Picture]:
    wide = scene((WIDTH + FRAMES, HEIGHT))
    return panned(Image.blend(wide, Image.new("RGB", wide.size, (180, 180, 185)), 0.93), 1)


def white_on_white() -> Iterator[Picture]:
    def turn(draw: ImageDraw.ImageDraw, number: int) -> None:
        half = 20 * abs(math.cos(number / 10)) + 1
        draw.ellipse((160 - half, 80, 160 + half, 120), fill=(225, 225, 228))

    return drawn(plain((252, 252, 252)), turn)


def fine_stripes() -> Iterator[Picture]:
    row = bytes(255 * (x // 2 % 2) for x in range(WIDTH + FRAMES))
    return panned(Image.frombytes("L", (WIDTH + FRAMES, HEIGHT), row * HEIGHT).convert("RGB"), 1)


def checkerboard() -> Iterator[Picture]:
    rows = [bytes(255 * ((x + y) % 2) for x in range(WIDTH + FRAMES)) for y in range(2)]
    return panned(Image.frombytes("L", (WIDTH + FRAMES, HEIGHT), b"".join(rows) * (HEIGHT // 2)).convert("RGB"), 1)


def foliage() -> Iterator[Picture]:
    return panned(texture((WIDTH + 2 * FRAMES, HEIGHT), 9, (24, 64, 160)), 2)


def gravel() -> Iterator[Picture]:
    wide, random = Image.new("RGB", (WIDTH + 2 * FRAMES, HEIGHT), (90, 85, 80)), Random(5)
    draw = ImageDraw.Draw(wide)
    for _ in range(9000):
        x, y = random.random() * wide.width, random.random() * HEIGHT
        size, light = random.choice((2, 3, 4, 6)), random.randrange(60, 200)
        draw.ellipse((x, y, x + size, y + size * 0.8), fill=(light, light - 5, light - 12))
    return panned(wide, 2)


def sand() -> Iterator[Picture]:
    size = WIDTH + 2 * FRAMES, HEIGHT
    slope = Image.linear_gradient("L").resize(size).point([int(100 + v * 0.25) for v in range(256)])
    grains = ImageChops.add(slope, noise(22, 4, size), 1, -128)
    return panned(ImageOps.colorize(grains, (0, 0, 0), (255, 220, 170)), 2)


def television_without_signal() -> Iterator[Picture]:
    still = scene()
    for number in range(FRAMES):
        picture = still.copy()
        picture.paste(noise(60, number % 12, (140, 100)).convert("RGB"), (90, 40))
        yield picture


def scrolling_text() -> Iterator[Picture]:
    page, random = Image.new("RGB", (WIDTH, HEIGHT * 2), "white"), Random(1)
    for top in range(0, page.height, 9):
        line = "".join(random.choice("abcdefghijk lmnop qrstuv") for _ in range(70))
        ImageDraw.Draw(page).text((2, top), line, fill="black", font_size=8)
    return (page.crop((0, number * 3, WIDTH, number * 3 + HEIGHT)) for number in range(FRAMES))


def mosaic() -> Iterator[Picture]:
    for number in range(FRAMES):
        tiles = Image.frombytes("RGB", (20, 12), Random(number // 6).randbytes(720))
        yield tiles.resize(SIZE, Image.Resampling.NEAREST)


def crossfade() -> Iterator[Picture]:
    first, second = scene(), texture(SIZE, 4)
    return (Image.blend(first, second, max(0.0, min(1.0, number / 16 - 1))) for number in range(FRAMES))


GOOD: dict[str, Clip] = {
    clip.__name__: clip
    for clip in (
        *(fade_from_black, fade_to_black, fade_to_white, crossfade, change_of_colour),
        *(night, darkest_night, night_with_one_star, stars, candle),
        *(title_with_cursor, title_with_dot, title_with_one_blink, scrolling_text),
        *(cartoon, cartoon_with_tiny_figure, white_on_white, black_and_white, letterbox),
        *(grain, heavy_grain_on_a_dim_scene, sand, television_without_signal),
        *(slow_pan, slowest_pan, slow_zoom, breathing, leaves_in_a_breeze, fog),
        *(timelapse, strobe, strobe_in_the_dark, strobe_of_nothing, lightning),
        *(snow, blizzard, rain, confetti, fine_confetti, water, fire),
        *(still_then_motion, motion_then_still, fine_stripes, checkerboard, foliage, gravel, mosaic),
    )
}


def repeated(picture: Picture, frames: int = FRAMES) -> Clip:
    return lambda: [picture] * frames


def of_noise(make: Callable[[int], Picture]) -> Clip:
    return lambda: [make(number) for number in range(24)]


def random_bytes(seed: int) -> Picture:
    return Image.frombytes("RGB", SIZE, Random(seed).randbytes(3 * WIDTH * HEIGHT))


def blocks(seed: int) -> Picture:
    return colour_noise(50, seed, (WIDTH // 8, HEIGHT // 8)).resize(SIZE, Image.Resampling.NEAREST)


def nearly_black(seed: int) -> Picture:
    return noise(1, seed).point([level > 127 for level in range(256)]).convert("RGB")


STILLS: dict[str, Callable[[], Picture]] = {
    "scene": scene,
    "texture": lambda: texture(SIZE, 4),
    "grainy scene": lambda: ImageChops.add(scene(), colour_noise(15, 3), 1, -128),
    "title": lambda: title("THE TITLE OF THE FILM", "white", "#14143c"),
    "night": lambda: dim(scene(), 0.1),
    "text": lambda: next(scrolling_text()),
    "gravel": lambda: next(gravel()),
}

BAD: dict[str, tuple[str, Clip]] = {
    "black": ("black", repeated(plain((0, 0, 0)))),
    "black, one frame": ("black", repeated(plain((0, 0, 0)), 1)),
    "black that flickers by one": ("black", of_noise(nearly_black)),
    "grey": ("one_colour", repeated(plain((127, 127, 127)))),
    "grey, one frame": ("one_colour", repeated(plain((127, 127, 127)), 1)),
    "green": ("one_colour", repeated(plain((0, 135, 0)))),
    "white": ("one_colour", repeated(plain((255, 255, 255)))),
    "grey with a faint pattern": ("one_colour", repeated(colour_noise(2, 5))),
    "grey with faint noise": ("one_colour", of_noise(lambda number: colour_noise(2, number))),
    "uniform noise": ("noise", of_noise(random_bytes)),
    "Gaussian noise": ("noise", of_noise(lambda number: colour_noise(45, number))),
    "grey noise": ("noise", of_noise(lambda number: noise(50, number).convert("RGB"))),
    "noise that stands": ("noise", lambda: [random_bytes(5)] * FRAMES),
    "a latent, block by block": ("noise", of_noise(blocks)),
    "noise, one frame": ("noise", lambda: [random_bytes(5)]),
    **{f"frozen {name}": ("frozen", lambda make=make: [make()] * FRAMES) for name, make in STILLS.items()},
    "frozen, five frames": ("frozen", lambda: [scene()] * 5),
}

# name: container, encoder, options, pixel format
ENCODERS: dict[str, tuple[str, str, dict[str, str], str]] = {
    "h264 crf 23": ("mp4", "libx264", {"crf": "23", "preset": "veryfast"}, "yuv420p"),
    "h264 crf 30": ("mp4", "libx264", {"crf": "30", "preset": "ultrafast"}, "yuv420p"),
    "h264 crf 40": ("mp4", "libx264", {"crf": "40", "preset": "medium"}, "yuv420p"),
    "h264 crf 19, 10 bit": ("mp4", "libx264", {"crf": "19", "preset": "ultrafast"}, "yuv420p10le"),
    "vp9": ("webm", "libvpx-vp9", {"crf": "32", "b": "0", "deadline": "realtime", "cpu-used": "8"}, "yuv420p"),
    "av1": ("webm", "libsvtav1", {"crf": "32", "preset": "12", "svtav1-params": "lp=1"}, "yuv420p10le"),
    "mpeg4": ("mp4", "mpeg4", {"b": "800k"}, "yuv420p"),
    "motion jpeg": ("mov", "mjpeg", {"q": "4"}, "yuvj420p"),
    "lossless": ("mkv", "ffv1", {}, "yuv420p"),
}


def write(folder: Path, pictures: Iterable[Picture], encoder: str = "h264 crf 23", **more: str) -> Path:
    """Encode a clip as one of ENCODERS, with more options, and return its path."""
    container, name, options, pixels = ENCODERS[encoder]
    path = folder / f"clip.{container}"
    stream = iter(pictures)
    first = next(stream)
    with av.open(str(path), "w") as output:
        video = output.add_stream(name, rate=Fraction(24), options={**options, **more})
        assert isinstance(video, av.VideoStream)
        video.width, video.height, video.pix_fmt = first.width, first.height, pixels
        for picture in chain([first], stream):
            output.mux(video.encode(av.VideoFrame.from_image(picture).reformat(format=pixels)))
        output.mux(video.encode(None))
    return path
