"""The public names of the package: adding or losing one is a decision, not an accident."""

import importlib.metadata

import pytest

import cxsentiment

PUBLIC_NAMES = [
    "Analysis",
    "Analyzer",
    "CxError",
    "Emotion",
    "InputError",
    "Language",
    "LanguageDetector",
    "LanguageSpan",
    "MissingExtraError",
    "ModelError",
    "OptionError",
    "OutputError",
    "Quality",
    "Sentiment",
    "Taxonomy",
    "TaxonomyError",
    "Touchpoint",
    "__version__",
    "clean",
    "score_frame",
]


def test_public_names_are_pinned() -> None:
    assert sorted(cxsentiment.__all__) == PUBLIC_NAMES


@pytest.mark.parametrize("name", PUBLIC_NAMES)
def test_public_name_can_be_imported(name: str) -> None:
    assert getattr(cxsentiment, name) is not None


def test_version_is_the_installed_one() -> None:
    assert cxsentiment.__version__ == importlib.metadata.version("cxsentiment")
