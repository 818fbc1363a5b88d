"""Extras are found without importing them, in the right distribution, and a missing one names its command."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from comfy_headless import FEATURES, FeatureMissingError, ValidationError, features

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ROOMS = {path.parent.name if path.stem == "__init__" else path.stem for path in ROOT.glob("comfy_headless/**/*.py")}
BUILT = [extra for extra, value in features._EXTRAS.items() if value.room.split(".")[-1] in ROOMS]
BARE = {extra for extra, value in features._EXTRAS.items() if not value.needs}
"""Extras without packages of their own: there as soon as their part is built."""
ASK = """
import json, sys
sys.path[:0] = sys.argv[1:3]
from comfy_headless import FEATURES, FeatureMissingError, features, list_missing_features
answer = {"features": dict(FEATURES), "missing": list_missing_features(),
          "reason": {extra: features.missing_reason(extra) for extra in FEATURES}}
answer["errors"] = {}
for extra in FEATURES:
    try:
        features.require(extra, "the contact sheet")
    except FeatureMissingError as error:
        answer["errors"][extra] = str(error)
answer["loaded"] = [name for name in ("ffmpeg", "av", "PIL", "pynvml", "typer", "aiohttp") if name in sys.modules]
print(json.dumps(answer))
"""


def ask(site: Path, *, package: Path = ROOT, cwd: Path = ROOT) -> dict[str, Any]:
    """What a Python says whose only packages are those in a folder."""
    command = [sys.executable, "-S", "-W", "error", "-c", ASK, str(package), str(site)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=60)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def install(site: Path, distribution: str, version: str, *modules: str) -> None:
    """Install a distribution that holds the named modules, as pip leaves it: files and their list with hashes."""
    record = []
    for module in modules:
        path = site / module / "__init__.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"raise RuntimeError('{module} of {distribution} was imported')\n", encoding="utf-8")
        digest = base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).rstrip(b"=").decode()
        record.append(f"{module}/__init__.py,sha256={digest},{path.stat().st_size}")
    info = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n", "utf-8")
    (info / "RECORD").write_text("\n".join(record), encoding="utf-8")


def install_media(site: Path, **versions: str) -> None:
    for distribution, module in (("imageio-ffmpeg", "imageio_ffmpeg"), ("av", "av"), ("pillow", "PIL")):
        install(site, distribution, versions.get(module, "99.0"), module)


def test_the_extras() -> None:
    """FEATURES is a read-only mapping of every extra but `all` and `dev`."""
    assert set(FEATURES) == set(PROJECT["optional-dependencies"]) - {"all", "dev"}
    assert all(isinstance(there, bool) for there in FEATURES.values())
    assert repr(FEATURES) == repr(dict(FEATURES))
    with pytest.raises(TypeError):
        FEATURES["cli"] = True  # type: ignore[index]
    with pytest.raises(KeyError):
        FEATURES["all"]


def test_needs_are_those_of_the_project_file() -> None:
    """Distributions and lowest versions are the same here and in pyproject.toml."""
    declared = PROJECT["optional-dependencies"]
    for extra, value in features._EXTRAS.items():
        wanted = set(declared[extra])
        if "comfy-headless[media]" in wanted:
            wanted = (wanted - {"comfy-headless[media]"}) | set(declared["media"])
        assert {f"{need.distribution}>={'.'.join(map(str, need.version))}" for need in value.needs} == wanted


def test_an_extra_is_found_without_importing_it(tmp_path: Path) -> None:
    """An extra whose modules would fail on import is there, and none of them is loaded."""
    install_media(tmp_path)
    install(tmp_path, "ffmpeg-python", "0.2.0", "ffmpeg")
    answer = ask(tmp_path)
    assert answer["features"]["media"] is True
    assert "media" not in answer["missing"]
    assert "media" not in answer["errors"]
    assert answer["loaded"] == []


def test_nothing_installed(tmp_path: Path) -> None:
    """Without packages each extra that needs some is missing, with the command of this checkout; others are there."""
    answer = ask(tmp_path)
    assert {extra for extra, there in answer["features"].items() if there} == BARE == {"ai"}
    assert set(answer["missing"]) == set(FEATURES) - BARE
    for extra in set(BUILT) - BARE:
        assert answer["missing"][extra] == f"pip install -e '.[{extra}]'"
    assert answer["errors"]["media"] == (
        "the contact sheet needs the extra 'media': module 'ffmpeg' of ffmpeg-python is not installed; "
        "pip install -e '.[media]'"
    )


def test_a_module_of_another_distribution_does_not_count(tmp_path: Path) -> None:
    """The module `ffmpeg` of python-ffmpeg is not that of ffmpeg-python."""
    install_media(tmp_path)
    install(tmp_path, "python-ffmpeg", "2.0.12", "ffmpeg")
    answer = ask(tmp_path)
    assert answer["features"]["media"] is False
    assert "is not the one of ffmpeg-python" in answer["reason"]["media"]


def test_a_module_that_another_distribution_overwrote_does_not_count(tmp_path: Path) -> None:
    """Of two distributions that install one path the later one has it, though both list it."""
    install_media(tmp_path)
    install(tmp_path, "ffmpeg-python", "0.2.0", "ffmpeg")
    install(tmp_path, "python-ffmpeg", "2.0.12", "ffmpeg")
    answer = ask(tmp_path)
    assert answer["features"]["media"] is False
    assert "is not the one of ffmpeg-python 0.2.0" in answer["reason"]["media"]


def test_a_module_that_shadows_the_installed_one_does_not_count(tmp_path: Path) -> None:
    """A file earlier on the path is what an import would get, so it decides."""
    install_media(tmp_path / "site")
    install(tmp_path / "site", "ffmpeg-python", "0.2.0", "ffmpeg")
    package = tmp_path / "first"
    package.mkdir()
    (package / "comfy_headless").symlink_to(ROOT / "comfy_headless")
    (package / "ffmpeg.py").touch()
    assert ask(tmp_path / "site", package=package)["features"]["media"] is False


def test_too_old_a_version_does_not_count(tmp_path: Path) -> None:
    """A distribution below the lowest version of the extra is as good as missing."""
    install_media(tmp_path, av="9.2.0")
    install(tmp_path, "ffmpeg-python", "0.2.0", "ffmpeg")
    answer = ask(tmp_path)
    assert answer["features"]["media"] is False
    assert answer["reason"]["media"] == "av 9.2.0 is installed, at least 15 is needed"


def test_a_part_that_is_not_built_says_so(tmp_path: Path) -> None:
    """An extra whose room is not there is False, and its hint names no command."""
    for path in (ROOT / "comfy_headless").rglob("*.py"):
        if path.parent.name != "ai":
            copy = tmp_path / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    answer = ask(tmp_path, package=tmp_path, cwd=tmp_path)
    assert answer["features"]["ai"] is False
    assert answer["missing"]["ai"] == "nothing to install: this part is not built in this version"
    assert answer["errors"]["ai"] == "the contact sheet needs the extra 'ai': this part is not built in this version"


def test_hints_name_the_checkout_from_elsewhere(tmp_path: Path) -> None:
    """Outside the checkout's folder the command names its path, quoted for a shell."""
    answer = ask(tmp_path, cwd=tmp_path)
    assert answer["missing"]["media"] == f"pip install -e '{ROOT}[media]'"


@pytest.mark.parametrize(
    ("version", "command"),
    [
        ("4.0.0.dev0", "pip install 'comfy-headless[media]'"),
        ("3.1.1", "pip install 'comfy-headless[media]>=4.0.0.dev0'"),
        (None, "pip install 'comfy-headless[media]>=4.0.0.dev0'"),
    ],
)
def test_hints_of_an_installed_copy(tmp_path: Path, version: str | None, command: str) -> None:
    """Away from a checkout the command names the distribution, and never lets in another project's lower version."""
    for path in (ROOT / "comfy_headless").rglob("*.py"):
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    if version:
        install(tmp_path, "comfy-headless", version)
    answer = ask(tmp_path, package=tmp_path, cwd=tmp_path)
    assert answer["missing"]["media"] == command


def test_missing_extra_is_an_import_error_with_its_command() -> None:
    """FeatureMissingError is an ImportError that carries the extra and the command."""
    error = FeatureMissingError("x", extra="cli", install="pip install -e '.[cli]'")
    assert isinstance(error, ImportError)
    assert (error.extra, error.install) == ("cli", "pip install -e '.[cli]'")


def test_unknown_extra_names_the_nearest() -> None:
    """A misspelt extra is the caller's mistake; the message says which one may be meant."""
    with pytest.raises(ValidationError, match=re.escape("no extra 'helth'; did you mean 'health'?")):
        features.require("helth", "a test")
    with pytest.raises(ValidationError, match="no extra 'xyz'; there are websocket, ai, health"):
        features.missing_reason("xyz")
