"""JSON Schema's keywords for jsonschema, where each value takes a bounded number of steps."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from memos.schemas.keywords import parts
from memos.schemas.patterns import Search, read, search_of

MOST_STEPS = 100_000
"""Keywords compared with values in one check: less than a second's work."""

STATES_A_STEP = 1_000
"""Comparisons of a character with a state of a pattern that take as long as one step."""

Keyword = Callable[..., Iterator[Any] | None]


class TooManySteps(Exception):
    """A check has used up its steps."""


class Patterns:
    """The patterns of one check, each made ready once, and what the check may still do."""

    def __init__(self) -> None:
        self._left = MOST_STEPS
        self._ready: dict[str, tuple[Search | None, int]] = {}

    def spend(self, steps: int) -> None:
        """Count steps. Raises `TooManySteps` when there are none left."""
        self._left -= steps
        if self._left < 0:
            raise TooManySteps

    def fits(self, pattern: str, text: str) -> bool:
        """Whether a pattern is in a text; of one that is not asserted, yes."""
        search = self.search(pattern, text)
        return search is None or search(text)

    def names(self, pattern: str, name: str) -> bool:
        """Whether a pattern is in a name; of one that is not asserted, no."""
        search = self.search(pattern, name)
        return search is not None and search(name)

    def search(self, pattern: str, text: str) -> Search | None:
        """What looks for a pattern, if it is asserted, once the steps for the text are spent."""
        if pattern not in self._ready:
            self._ready[pattern] = _asserted(pattern), read(pattern).work
        search, work = self._ready[pattern]
        self.spend(len(text) * work // STATES_A_STEP)
        return search


def validator_of(schema: Any) -> Any:
    """A validator of jsonschema, with patterns in linear time, that raises `TooManySteps` before it takes long.

    It never asks the network for what is referred to, as jsonschema does without a registry of its own.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend
    from referencing import Registry

    patterns = Patterns()
    own = _Keywords(patterns)
    keywords = {**Draft202012Validator.VALIDATORS, **own.by_name()}
    if _has_named_patterns(schema):
        # jsonschema itself looks for those with Python's `re`, whose time has no bound.
        del keywords["unevaluatedProperties"]
    counted = {name: _counted(name, keyword, patterns) for name, keyword in keywords.items()}
    validator: Any = extend(Draft202012Validator, counted)  # type: ignore[no-untyped-call]
    return validator(schema, registry=Registry())


def _has_named_patterns(schema: Any) -> bool:
    return isinstance(schema, Mapping) and (
        "patternProperties" in schema or any(_has_named_patterns(part) for _, part in parts(schema))
    )


def _asserted(pattern: str) -> Search | None:
    try:
        return search_of(pattern)
    except ValueError:
        return None


def _counted(name: str, keyword: Keyword, patterns: Patterns) -> Keyword:
    def counted(validator: Any, said: Any, instance: Any, schema: Any) -> Iterator[Any]:
        patterns.spend(1 + (len(said) // 16 if isinstance(said, list | dict) else 0))
        if name.startswith("unevaluated") and isinstance(instance, list | dict):
            # jsonschema looks for each item in a list of those that are evaluated.
            patterns.spend(len(instance) ** 2 // 100)
        yield from keyword(validator, said, instance, schema) or ()

    return counted


class _Keywords:
    """The keywords that jsonschema would leave to Python's `re`, or compare each item with each other for."""

    def __init__(self, patterns: Patterns) -> None:
        self._patterns = patterns

    def by_name(self) -> Mapping[str, Keyword]:
        return {
            "additionalProperties": self._additional,
            "pattern": self._pattern,
            "patternProperties": self._of_patterns,
            "uniqueItems": _unique,
        }

    def _pattern(self, _: Any, pattern: str, instance: Any, __: Any) -> Iterator[Any]:
        if isinstance(instance, str) and not self._patterns.fits(pattern, instance):
            yield _error(f"does not match {pattern!r}")

    def _of_patterns(self, validator: Any, named: Mapping[str, Any], instance: Any, _: Any) -> Iterator[Any]:
        for pattern, schema in named.items() if isinstance(instance, dict) else ():
            for name in _named(self._patterns, pattern, instance):
                yield from validator.descend(instance[name], schema, path=name, schema_path=pattern)

    def _additional(self, validator: Any, said: Any, instance: Any, schema: Any) -> Iterator[Any]:
        more = _additional(self._patterns, instance, schema) if isinstance(instance, dict) else {}
        if isinstance(said, dict):
            for name, value in more.items():
                yield from validator.descend(value, said, path=name)
        elif not said and more:
            yield _error("there are properties that are not known", instance=more)


def _unique(_: Any, said: Any, instance: Any, __: Any) -> Iterator[Any]:
    if said and isinstance(instance, list) and len({_key(item) for item in instance}) < len(instance):
        yield _error("has an item twice")


def _error(message: str, **more: Any) -> Any:
    from jsonschema import ValidationError

    return ValidationError(message, **more)


def _named(patterns: Patterns, wanted: str, instance: Mapping[str, Any]) -> Iterator[str]:
    patterns.spend(len(instance) // 4)
    return (name for name in instance if patterns.names(wanted, name))


def _additional(patterns: Patterns, instance: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of an object that no other keyword beside is about."""
    more = {name: value for name, value in instance.items() if name not in schema.get("properties", ())}
    for wanted in schema.get("patternProperties", ()):
        if patterns.search(wanted, "") is None:
            return {}
        for name in list(_named(patterns, wanted, more)):
            del more[name]
    return more


def _key(value: Any) -> Any:
    """What is the same of equal values alone: 1 is 1.0, and not true."""
    if isinstance(value, dict):
        return dict, frozenset((name, _key(part)) for name, part in value.items())
    if isinstance(value, list):
        return list, tuple(map(_key, value))
    return (bool, value) if isinstance(value, bool) else value
