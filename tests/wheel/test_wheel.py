"""The built package, not the source tree: sdist -> wheel -> empty environment -> run outside the tree.

This is the one test that needs a package index (or pip's cache): the wheel brings its dependencies with it.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[2]
COMMENT = "Απαράδεκτο, το app κολλάει συνέχεια"
PROBE = """
import json, sys
import cxsentiment
analysis = cxsentiment.Analyzer.from_pretrained()(sys.argv[1])
print(json.dumps({"file": cxsentiment.__file__, "version": cxsentiment.__version__, "analysis": analysis.to_dict()}))
"""


@dataclass(frozen=True)
class Installed:
    """A virtual environment that holds nothing but the wheel and its dependencies, and an empty folder to work in."""

    environment: Path
    folder: Path

    def run(self, program: str, *arguments: str) -> str:
        """Standard output of a program of the environment, run in the empty folder without a network for models."""
        command = [str(self.environment / "bin" / program), *arguments]
        return _run(command, self.folder, {"HF_HUB_OFFLINE": "1"})


def _run(command: list[str], folder: Path, extra: dict[str, str] | None = None) -> str:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "COV_"))}
    done = subprocess.run(command, cwd=folder, env=inherited | (extra or {}), capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the sdist, so that the sdist is known to be complete."""
    folder = tmp_path_factory.mktemp("dist")
    _run([sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)], folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    base = tmp_path_factory.mktemp("installed")
    environment, folder = base / "environment", base / "elsewhere"
    folder.mkdir()
    _run([sys.executable, "-m", "venv", "--without-pip", str(environment)], folder)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(environment / "bin" / "python")]
    _run([*pip, "install", "--quiet", "-c", str(ROOT / "constraints.txt"), str(wheel)], folder)
    return Installed(environment, folder)


def test_wheel_holds_all_of_the_package(names: set[str]) -> None:
    sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / "cxsentiment").rglob("*.py")}
    assert sources <= names
    assert {"cxsentiment/py.typed", "cxsentiment/taxonomy.toml", "cxsentiment/language/languages.safetensors"} <= names
    assert {"cxsentiment/language/greek_words.txt.gz", "cxsentiment/training/comments/el_1.tsv"} <= names
    assert {"cxsentiment/benchmark/datasets.toml", "cxsentiment/benchmark/behaviour/ro.toml"} <= names


def test_wheel_holds_the_default_model(wheel: Path, names: set[str]) -> None:
    files = {PurePosixPath(name).name for name in names if name.startswith("cxsentiment/models/default/")}
    assert {"manifest.json", "tokenizer.json", "README.md", "recipe.toml"} <= files
    assert any(name.endswith(".safetensors") for name in files)
    with zipfile.ZipFile(wheel) as archive:
        listed = json.loads(archive.read("cxsentiment/models/default/manifest.json"))["files"]
    assert set(listed) <= files


def test_wheel_holds_nothing_else(names: set[str]) -> None:
    tops = {PurePosixPath(name).parts[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"cxsentiment"}
    endings = {PurePosixPath(name).suffix for name in names if name.startswith("cxsentiment/")}
    code = {".py", ".typed", ".c", ".h", ".so", ".jinja", ".css", ".js"}
    assert endings <= code | {".toml", ".json", ".safetensors", ".md", ".svg", ".gz", ".tsv"}


def test_wheel_holds_the_kernels_where_there_is_a_compiler(wheel: Path, names: set[str]) -> None:
    compiler = any(map(shutil.which, (os.environ.get("CC", "cc"), "cc", "gcc", "clang")))
    built = compiler and platform.machine() == "x86_64" and sys.platform != "win32"
    assert ("cxsentiment/encoder/_kernels.so" in names) == built
    assert wheel.name.endswith("-none-any.whl") == (not built)
    assert "-py3-none-" in wheel.name


def test_license_travels_with_the_wheel(names: set[str]) -> None:
    assert any(PurePosixPath(name).match("*.dist-info/licenses/LICENSE") for name in names)


def test_python_outside_the_tree(installed: Installed) -> None:
    answer = json.loads(installed.run("python", "-c", PROBE, COMMENT))
    assert installed.environment in Path(answer["file"]).parents
    assert ROOT not in installed.folder.parents
    analysis = answer["analysis"]
    assert analysis["language"]["code"] == "el"
    assert analysis["sentiment"]["label"] == "negative"
    assert "mobile_app" in {touchpoint["type"] for touchpoint in analysis["touchpoints"]}


def test_spacy_finds_the_component(installed: Installed) -> None:
    probe = "import spacy, sys; print(spacy.blank('pl').has_factory('cxsentiment'), 'cxsentiment.analyzer' in sys.modules)"
    assert installed.run("python", "-c", probe).split() == ["True", "False"]


def test_command_line_outside_the_tree(installed: Installed) -> None:
    analysis = json.loads(installed.run("cxsentiment", "analyze", "--json", COMMENT))
    assert analysis["text"] == COMMENT
    assert analysis["language"]["code"] == "el"
    assert analysis["sentiment"]["label"] == "negative"


def test_the_registry_of_data_sets_outside_the_tree(installed: Installed) -> None:
    assert "sart" in installed.run("cxsentiment", "benchmark", "datasets")
