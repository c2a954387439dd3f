"""Contenders that users write themselves, from a module or a file."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from cxsentiment.benchmark.contender import Contender, Trainable
from cxsentiment.errors import OptionError

_PROTOCOL = "a contender has a name and predict(texts), one that learns a name and fit(examples, task, seed)"


def load_python(place: str, **options: Any) -> Contender | Trainable:
    """The contender at `package.module:Name` or `path/to/file.py:Name`; the name is a class, a function that makes one, or an object.

    The code is run: it is the user's own. Options are passed to the class or function. Raises OptionError saying what is missing.
    """
    source, colon, name = place.rpartition(":")
    if not (colon and source and name):
        raise OptionError(f"python:{place}: give package.module:Class or path/to/file.py:Class")
    module = _from_file(Path(source)) if source.endswith(".py") else _from_package(source)
    found = getattr(module, name, None)
    if found is None:
        own = sorted(key for key, value in vars(module).items() if isinstance(value, type) and value.__module__ == module.__name__)
        raise OptionError(f"{source} has no {name}; it has {', '.join(own) or 'no classes'}")
    made = _made(place, found, options)
    if not isinstance(getattr(made, "name", None), str):
        raise OptionError(f"python:{place} has no name (a string): {_PROTOCOL}")
    if not (callable(getattr(made, "predict", None)) or callable(getattr(made, "fit", None))):
        raise OptionError(f"python:{place} has neither predict nor fit: {_PROTOCOL}")
    contender: Contender | Trainable = made
    return contender


def _made(place: str, found: Any, options: dict[str, Any]) -> Any:
    if not isinstance(found, type) and (hasattr(found, "predict") or hasattr(found, "fit")):
        if options:
            raise OptionError(f"python:{place} is made already and takes no options, but {', '.join(options)} was given")
        return found
    if not callable(found):
        raise OptionError(f"python:{place} is {type(found).__name__}, not a class: {_PROTOCOL}")
    try:
        return found(**options)
    except TypeError as error:
        given = f" with options {', '.join(options)}" if options else ""
        raise OptionError(f"python:{place} could not be made{given}: {error}") from error


def _from_package(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise OptionError(f"there is no module {error.name}: is it installed, or on PYTHONPATH? A file is given by its path") from error
    except Exception as error:  # whatever the user's code raises
        raise OptionError(f"module {name} could not be imported: {type(error).__name__}: {error}") from error


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise OptionError(f"there is no file {path}")
    name = f"cxsentiment_contender_{path.stem}"
    spec = spec_from_file_location(name, path)
    assert spec is not None  # a .py file always has a loader
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickles look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever the user's code raises
        del sys.modules[name]
        raise OptionError(f"{path} could not be run: {type(error).__name__}: {error}") from error
    return module
