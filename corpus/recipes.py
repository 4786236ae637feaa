"""Find a recipe by name and fill in its parameters.

A recipe is a Python function that takes `root: Path` and keyword parameters with defaults, and returns a `Pipeline`.
`NAME` means the function NAME in the module `pipelines.NAME`; `package.module:function` means any other. A recipe that
is another one with some things fixed takes its parameters from there (`variant`). Values given as text are turned into
the type that the parameter is annotated with; an unknown name or a value that does not fit is a SettingError that lists
what would be valid.
"""

import difflib
import functools
import importlib
import inspect
import pkgutil
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from corpus.errors import SettingError
from corpus.pipeline import Pipeline

LIBRARY = "pipelines"
"""The package that holds the project's own recipes; loaded by name, never imported by corpus."""
Build = TypeVar("Build", bound=Callable[..., Pipeline])


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe and its parameters by name (root and inputs aside)."""

    name: str
    build: Callable[..., Pipeline]
    parameters: Mapping[str, inspect.Parameter]

    @property
    def takes_inputs(self) -> bool:
        """Whether the recipe reads inputs named by the user."""
        return "inputs" in inspect.signature(self.build).parameters

    def pipeline(self, root: Path, inputs: tuple[str, ...], settings: Mapping[str, str]) -> Pipeline:
        """Return the pipeline for `root` with `settings` given as text."""
        values = {name: self.value(name, text) for name, text in settings.items()}
        if self.takes_inputs:
            values["inputs"] = inputs
        elif inputs:
            raise SettingError(self.name, "--input", inputs[0], "this recipe brings its own inputs; try the recipe web")
        return self.build(root=root, **values)

    @property
    def meanings(self) -> dict[str, str]:
        """What each parameter means: the lines `name  meaning` of the docstring (`a, b  meaning` for two)."""
        return meanings_in(self.build)

    def value(self, name: str, text: str) -> Any:
        """Return `text` as the type of parameter `name`."""
        if name not in self.parameters:
            close = difflib.get_close_matches(name, self.parameters, 1)
            hint = f"did you mean {close[0]}? " if close else ""
            raise SettingError(self.name, "--set", name, f"{hint}parameters are: {', '.join(sorted(self.parameters))}")
        try:
            return convert(text, self.parameters[name].annotation)
        except ValueError as error:
            raise SettingError(self.name, name, text, str(error)) from error


def meanings_in(build: Callable[..., Pipeline]) -> dict[str, str]:
    """Return what the docstring of a recipe says of its parameters."""
    found = {}
    for line in (inspect.getdoc(build) or "").splitlines():
        listed = re.fullmatch(r"(\w+(?:, \w+)*)\s{2,}(\S.*)", line)
        for name in listed[1].split(", ") if listed else ():
            found[name] = listed[2] if listed else ""
    return found


def variant(base: Callable[..., Pipeline], *takes: str, **defaults: Any) -> Callable[[Build], Build]:
    """Make a recipe of a function that hands its `**settings` on to the recipe `base`.

    takes: the parameters of `base` that it has, in this order; their types, defaults and meanings are stated there
    alone. defaults: where its own differ. Its docstring says what a parameter means only where that differs.
    """
    kinds, known, told = typing.get_type_hints(base), inspect.signature(base).parameters, meanings_in(base)
    taken = [known[name].replace(annotation=kinds[name]) for name in takes]
    taken = [parameter.replace(default=defaults.get(parameter.name, parameter.default)) for parameter in taken]

    def completed(build: Build) -> Build:
        own = [p for p in inspect.signature(build).parameters.values() if p.kind is not p.VAR_KEYWORD]
        signature = inspect.Signature([*own, *taken], return_annotation=Pipeline)

        @functools.wraps(build)
        def recipe(*positional: Any, **settings: Any) -> Pipeline:
            given = signature.bind(*positional, **settings)
            return build(*given.args, **defaults | given.kwargs)

        said = meanings_in(build)
        missing = (f"{name}  {told[name]}" for name in takes if name not in said)
        recipe.__doc__ = "\n".join([inspect.getdoc(build) or "", *missing])
        recipe.__annotations__ = {parameter.name: parameter.annotation for parameter in [*own, *taken]}
        vars(recipe)["__signature__"] = signature
        return typing.cast("Build", recipe)

    return completed


def names() -> list[str]:
    """Return the names of the project's own recipes."""
    package = importlib.import_module(LIBRARY)
    found = [module.name for module in pkgutil.iter_modules(package.__path__)]
    return sorted(name for name in found if hasattr(importlib.import_module(f"{LIBRARY}.{name}"), name))


def load(name: str) -> Recipe:
    """Return the recipe called `name`."""
    module, _, function = name.partition(":") if ":" in name else (f"{LIBRARY}.{name}", ":", name)
    try:
        build = getattr(importlib.import_module(module), function)
    except (ModuleNotFoundError, AttributeError) as error:
        missing = "" if isinstance(error, AttributeError) else error.name or ""
        if missing and not f"{module}.".startswith(f"{missing}."):
            raise
        close = difflib.get_close_matches(name, names(), 1)
        hint = f"did you mean {close[0]}? " if close else ""
        valid = f"{hint}recipes are: {', '.join(names())}, or package.module:function"
        raise SettingError("run", "recipe", name, valid) from error
    hints = typing.get_type_hints(build)
    parameters = {
        key: parameter.replace(annotation=hints.get(key, str))
        for key, parameter in inspect.signature(build).parameters.items()
        if key not in ("root", "inputs")
    }
    return Recipe(name, build, parameters)


def convert(text: str, kind: Any) -> Any:
    """Return `text` as a value of the annotated type; ValueError says what would be valid."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        if text.lower() in ("", "none") and type(None) in arguments:
            return None
        return convert(text, next(a for a in arguments if a is not type(None)))
    if origin is Literal:
        if text not in arguments:
            raise ValueError(f"valid are: {', '.join(map(str, arguments))}")
        return text
    if origin is tuple:
        return tuple(convert(item.strip(), arguments[0]) for item in text.split(",") if item.strip())
    if kind is bool:
        table = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if text.lower() not in table:
            raise ValueError("valid are: true, false")
        return table[text.lower()]
    if kind in (int, float):
        try:
            return kind(text.replace("_", ""))
        except ValueError:
            raise ValueError(f"a number is needed ({kind.__name__})") from None
    return Path(text) if kind is Path else text


def parse_settings(pairs: tuple[str, ...]) -> dict[str, str]:
    """Turn `name=value` texts into a mapping."""
    for pair in pairs:
        if "=" not in pair:
            raise SettingError("run", "--set", pair, "write name=value")
    return {name.strip(): value for name, _, value in (pair.partition("=") for pair in pairs)}
