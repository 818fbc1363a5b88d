"""The wheel that is built from this checkout: what is in it, and that it works where it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

from comfy_headless import FEATURES
from comfy_headless.features import missing_reason

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("pyproject.toml", "README.md", "LICENSE", "comfy_headless", "presets")
FIRST_PRESET = "from comfy_headless import VIDEO_PRESETS; print(VIDEO_PRESETS['wan_5b'].title)"


def build(kind: str, source: Path, target: Path) -> Path:
    """Build a wheel or an editable wheel as pip does, but with the backend that is already here."""
    code = f"import hatchling.build, sys; print(hatchling.build.build_{kind}(sys.argv[1]))"
    name = run(sys.executable, "-c", code, str(target), cwd=source).strip()
    return target / name


def run(*command: str, cwd: Path) -> str:
    environment = {
        key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "COMFY_HEADLESS_PRESETS")
    }
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def install(wheel: Path, folder: Path) -> str:
    """Install a wheel alone into a new environment; its dependencies are those of this one. Returns its Python."""
    venv.create(folder, with_pip=False, symlinks=True)
    python = str(folder / "bin/python")
    run(
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        str(wheel),
        cwd=folder,
    )
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip()
    Path(site, "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return python


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The Python of an environment with the wheel."""
    return install(wheel, tmp_path_factory.mktemp("installed"))


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as file:
        (name,) = [name for name in file.namelist() if name.endswith(".dist-info/METADATA")]
        return Parser().parsestr(file.read(name).decode("utf-8"))


def test_what_is_in_the_wheel(wheel: Path) -> None:
    """The wheel holds the package with its types and data, the presets inside it, and nothing else."""
    with zipfile.ZipFile(wheel) as file:
        names = {name for name in file.namelist() if ".dist-info/" not in name}
    presets = {f"comfy_headless/{path.relative_to(ROOT)}" for path in (ROOT / "presets").rglob("*.*")}
    package = {str(path.relative_to(ROOT)) for path in (ROOT / "comfy_headless").rglob("*") if path.is_file()}
    package = {name for name in package if "__pycache__" not in name}
    assert presets
    assert {"comfy_headless/py.typed", "comfy_headless/graph/object_info.jsonl.gz"} <= names
    assert names == presets | package


def test_version_and_dependencies(wheel: Path) -> None:
    """The version is above the other project's 3.1.1; the core needs httpx and pydantic and nothing else."""
    about = metadata(wheel)
    assert about["Name"] == "comfy-headless"
    assert tuple(map(int, about["Version"].split(".")[:3])) >= (4, 0, 0)
    needs = about.get_all("Requires-Dist") or []
    assert sorted(need.split("<")[0].split(">")[0] for need in needs if "extra ==" not in need) == ["httpx", "pydantic"]
    assert about["Requires-Python"] == ">=3.11"


def test_extras(wheel: Path) -> None:
    """The extras are the promised ones, and `dev` brings all of them."""
    extras = set(metadata(wheel).get_all("Provides-Extra") or [])
    assert extras == {"websocket", "ai", "health", "media", "cli", "simulator", "models", "all", "dev"}
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    (everything,) = declared["all"]
    assert set(everything.removeprefix("comfy-headless[").removesuffix("]").split(",")) == extras - {"all", "dev"}
    assert "comfy-headless[all]" in declared["dev"]


def test_the_development_environment_has_what_is_built() -> None:
    """With the extra `dev`, every extra can be used but those whose part is not built."""
    reasons = {missing_reason(extra) for extra in FEATURES}
    assert reasons <= {None, "this part is not built in this version"}


@pytest.mark.slow
def test_an_installed_wheel_has_its_presets(installed: str, tmp_path: Path) -> None:
    """Away from the checkout, the package finds the presets that were installed with it."""
    code = "from comfy_headless.config import presets_folder; print(presets_folder())"
    folder = Path(run(installed, "-c", code, cwd=tmp_path).strip())
    assert folder.is_relative_to(Path(installed).parents[1])
    assert run(installed, "-c", FIRST_PRESET, cwd=tmp_path).strip()


@pytest.mark.slow
def test_an_installed_wheel_compiles(installed: str, tmp_path: Path) -> None:
    """Away from the checkout, a preset compiles with the snapshot that was installed with it."""
    code = "from comfy_headless import compile_workflow, check; print(check(compile_workflow('wan_5b', 'a cat')).ok)"
    assert run(installed, "-c", code, cwd=tmp_path) == "True\n"


@pytest.mark.slow
def test_hints_of_an_installed_wheel(installed: str, tmp_path: Path) -> None:
    """Away from the checkout, the command for an extra names the distribution."""
    code = "from comfy_headless.features import install_hint; print(install_hint('media'))"
    assert run(installed, "-c", code, cwd=tmp_path).strip() == "pip install 'comfy-headless[media]'"


@pytest.mark.slow
def test_an_edited_preset_counts_at_once(tmp_path: Path) -> None:
    """In an editable install, a preset edited in the checkout is the one that is read."""
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, checkout / part)
    python = install(build("editable", checkout, tmp_path), tmp_path / "environment")
    (preset,) = checkout.glob("presets/*/wan_5b.toml")
    text = preset.read_text(encoding="utf-8")
    title = tomllib.loads(text)["title"]
    assert run(python, "-c", FIRST_PRESET, cwd=tmp_path).strip() == title
    preset.write_text(text.replace(f'title = "{title}"', 'title = "Edited"'), encoding="utf-8")
    assert run(python, "-c", FIRST_PRESET, cwd=tmp_path).strip() == "Edited"
