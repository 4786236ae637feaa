"""Recipes are found by name and their parameters are filled in from text."""

from pathlib import Path
from typing import Any, Literal

import pytest
from toy import Count

from corpus import recipes
from corpus.errors import SettingError
from corpus.pipeline import Pipeline

Kind = Literal["small", "large"]


def counted(
    root: Path,
    size: int = 3,
    share: float = 0.5,
    kind: Kind = "small",
    loud: bool = False,
    names: tuple[str, ...] = (),
    place: Path | None = None,
) -> Pipeline:
    """Count numbers.

    size, share  both of them
    kind         small or large
    """
    return Pipeline(root=root, stages=(Count(root=root, size=size),), summary={"names": names, "place": place})


@recipes.variant(counted, "kind", "size", "share", size=5)
def recounted(root: Path, **settings: Any) -> Pipeline:
    """Count other numbers.

    share  how much
    """
    return counted(root, names=("fixed",), **settings)


@pytest.fixture
def recipe() -> recipes.Recipe:
    return recipes.load(f"{__name__}:counted")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("size", "1_000", 1000),
        ("share", "0.25", 0.25),
        ("kind", "large", "large"),
        ("loud", "yes", True),
        ("names", "de, fr", ("de", "fr")),
        ("place", "a/b", Path("a/b")),
        ("place", "none", None),
    ],
)
def test_text_becomes_the_annotated_type(recipe: recipes.Recipe, name: str, text: str, value: object) -> None:
    """Each kind of parameter is read from the command line's text."""
    assert recipe.value(name, text) == value


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("size", "many", "size = 'many' is not valid; a number is needed"),
        ("kind", "huge", "valid are: small, large"),
        ("loud", "perhaps", "valid are: true, false"),
        ("sise", "3", "did you mean size"),
    ],
)
def test_what_does_not_fit_is_named(recipe: recipes.Recipe, name: str, text: str, message: str) -> None:
    """The message names the parameter, the value and what would be valid."""
    with pytest.raises(SettingError, match=message):
        recipe.value(name, text)


def test_settings_reach_the_pipeline(recipe: recipes.Recipe, tmp_path: Path) -> None:
    """What is set on the command line is in the stage."""
    pipeline = recipe.pipeline(tmp_path, (), {"size": "7"})
    assert pipeline.stages[0].settings() == {"size": 7}


def test_a_variant_has_the_parameters_that_it_takes(tmp_path: Path) -> None:
    """With the types, defaults and meanings of the other recipe but for its own, and it is built with them."""
    found = recipes.load(f"{__name__}:recounted")
    assert {name: parameter.default for name, parameter in found.parameters.items()} == {
        "kind": "small",
        "size": 5,
        "share": 0.5,
    }
    assert found.meanings == {"share": "how much", "kind": "small or large", "size": "both of them"}
    with pytest.raises(SettingError, match="valid are: small, large"):
        found.value("kind", "huge")
    plain = found.pipeline(tmp_path, (), {})
    assert (plain.stages[0].settings(), plain.summary["names"]) == ({"size": 5}, ("fixed",))
    assert found.pipeline(tmp_path, (), {"size": "7"}).stages[0].settings() == {"size": 7}


def test_a_variant_refuses_what_it_does_not_take(tmp_path: Path) -> None:
    """From the command line and from Python."""
    with pytest.raises(SettingError, match="parameters are: kind, share, size"):
        recipes.load(f"{__name__}:recounted").value("loud", "yes")
    with pytest.raises(TypeError, match="unexpected keyword argument 'loud'"):
        recounted(tmp_path, loud=True)


def test_inputs_for_a_recipe_that_brings_its_own_are_refused(recipe: recipes.Recipe, tmp_path: Path) -> None:
    """Nothing named by the user is silently left out."""
    with pytest.raises(SettingError, match="brings its own inputs"):
        recipe.pipeline(tmp_path, ("crawl/",), {})


def test_unknown_recipes_are_answered_with_the_known_ones() -> None:
    """The message lists the project's own recipes."""
    with pytest.raises(SettingError, match=r"recipes are: .*sample.*web"):
        recipes.load("smaple")


@pytest.mark.parametrize("name", ["pipelines.web", "web.web", "no:such", "pipelines.web:nothing"])
def test_a_recipe_that_is_spelled_as_a_module_is_answered_too(name: str) -> None:
    """What cannot be imported because it is not there is a wrong name, not a crash."""
    with pytest.raises(SettingError, match=r"recipes are: .*sample.*web"):
        recipes.load(name)


def test_every_recipe_of_the_project_loads_and_explains_itself() -> None:
    """Each has a sentence that says what it does, and says what each of its parameters means."""
    for name in recipes.names():
        recipe = recipes.load(name)
        assert recipe.build.__doc__
        assert set(recipe.parameters) == set(recipe.meanings)


def test_settings_are_written_name_equals_value() -> None:
    """A value may hold equals signs; a text without one is refused."""
    assert recipes.parse_settings(("a=1", "b=x=y")) == {"a": "1", "b": "x=y"}
    with pytest.raises(SettingError, match="write name=value"):
        recipes.parse_settings(("a",))
