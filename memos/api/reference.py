"""The REST routes as one page to read, made from the OpenAPI document: no scripts, nothing from elsewhere."""

from collections.abc import Iterator, Mapping
from importlib.resources import files
from itertools import groupby
from string import Template
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from memos.api.examples import Schema, body_schema, content_schema, curl, name_of, named_examples
from memos.api.markup import element, html, prose, table

RANGES = (
    ("minimum", "maximum", ""),
    ("minLength", "maxLength", " characters"),
    ("minItems", "maxItems", " items"),
)
"""Keywords of JSON Schema that bound a value from below and from above, and what they count."""


class Route(NamedTuple):
    """One operation of the document, with where it is reached."""

    tag: str
    method: str
    path: str
    operation: Schema

    @property
    def anchor(self) -> str:
        """Its place in the page."""
        return str(self.operation["operationId"])


def reference_page(document: Schema, server: str) -> str:
    """The whole page; `server` is the address that its examples call."""
    schemas: Mapping[str, Schema] = document.get("components", {}).get("schemas", {})
    template = Template(files(__package__).joinpath("reference.html").read_text(encoding="utf-8"))
    info = document["info"]
    intro = element("header", element("h1", info["title"], " ", element("small", info["version"])))
    intro.append(element("p", *prose(info["description"])))
    links = (("openapi.json", "OpenAPI document"), ("asyncapi", "AsyncAPI document of the bus"))
    intro.append(element("p", *(element("a", text, href=target, class_="document") for target, text in links)))
    routes = list(routes_of(document))
    shown = [_route(route, server, schemas) for route in routes]
    named = [_schema(name, schema) for name, schema in schemas.items()]
    parts = element("main", intro, *shown, element("h2", "Schemas"), *named)
    return template.substitute(title=info["title"], navigation=html(_navigation(routes, schemas)), main=html(parts))


def routes_of(document: Schema) -> Iterator[Route]:
    """Every operation, in the document's order."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield Route(next(iter(operation.get("tags", ())), "other"), method, path, operation)


def _navigation(routes: list[Route], schemas: Mapping[str, Schema]) -> Element:
    made = element("nav")
    for tag, those in groupby(routes, lambda route: route.tag):
        made.append(element("h2", tag))
        links = (element("a", _method(route), route.path, href=f"#{route.anchor}") for route in those)
        made.append(element("ul", *(element("li", link) for link in links)))
    made.append(element("h2", "schemas"))
    made.append(element("ul", *(element("li", _reference(name)) for name in schemas)))
    return made


def _method(route: Route) -> Element:
    return element("span", route.method.upper(), class_=f"method {route.method}")


def _route(route: Route, server: str, schemas: Mapping[str, Schema]) -> Element:
    title = element("h3", _method(route), element("code", route.path))
    made = element("section", title, element("p", *prose(route.operation.get("description", ""))), id=route.anchor)
    parameters = route.operation.get("parameters")
    if parameters:
        made.append(element("h4", "Parameters"))
        made.append(table(("Name", "In", "Type", "Meaning"), map(_parameter, parameters)))
    body = body_schema(route.operation)
    if body is not None:
        made.append(element("h4", "Body: ", *_type(body)))
        made.append(_fields(schemas[name_of(body)]) if "$ref" in body else element("p"))
    made.append(element("h4", "Answers"))
    made.append(table(("Status", "Body", "When"), _answers(route.operation["responses"])))
    made.append(element("h4", "Example"))
    for summary, given in named_examples(route.operation) or [(None, None)]:
        made.extend([element("p", *prose(summary))] if summary else [])
        command = curl(server, route.method, route.path, route.operation, schemas, body=given)
        made.append(element("pre", command))
    return made


def _parameter(parameter: Schema) -> tuple[list[str | Element], ...]:
    schema = parameter["schema"]
    name: list[str | Element] = [element("code", parameter["name"]), *_need(required=bool(parameter["required"]))]
    return name, [parameter["in"]], _type(schema), [*prose(parameter.get("description", "")), *_limits(schema)]


def _answers(responses: Mapping[str, Schema]) -> Iterator[tuple[list[str | Element], ...]]:
    """A row for each kind of answer, with all its statuses."""

    def kind(status: str) -> tuple[str, Schema]:
        return responses[status]["description"], content_schema(responses[status])

    for (when, schema), statuses in groupby(sorted(responses), kind):
        yield [element("code", " ".join(statuses))], _type(schema), prose(when)


def _schema(name: str, schema: Schema) -> Element:
    made = element("section", element("h3", element("code", name)), id=f"schema-{name}")
    made.append(element("p", *prose(schema.get("description", ""))))
    if schema.get("properties"):
        made.append(_fields(schema))
    return made


def _fields(schema: Schema) -> Element:
    required = schema.get("required", ())
    rows = (
        (
            [element("code", name), *_need(required=name in required)],
            _type(field),
            [*prose(field.get("description", "")), *_limits(field)],
        )
        for name, field in schema.get("properties", {}).items()
    )
    return table(("Field", "Type", "Meaning"), rows)


def _need(*, required: bool) -> list[str | Element]:
    return [" ", element("span", "required", class_="required")] if required else []


def _type(schema: Schema) -> list[str | Element]:
    """A schema's type in words, with links to those that have a name."""
    if "$ref" in schema:
        return [_reference(name_of(schema))]
    if "enum" in schema or "const" in schema:
        return [" | ".join(map(_literal, schema.get("enum", [schema.get("const")])))]
    if "anyOf" in schema:
        choices = [_type(choice) for choice in schema["anyOf"]]
        return [part for index, choice in enumerate(choices) for part in ([" or "] if index else []) + choice]
    if schema.get("type") == "array":
        return ["list of ", *_type(schema.get("items", {}))]
    if isinstance(schema.get("additionalProperties"), Mapping):
        return ["object of ", *_type(schema["additionalProperties"])]
    return [schema.get("format") or schema.get("type", "any JSON")]


def _reference(name: str) -> Element:
    return element("a", name, href=f"#schema-{name}")


def _limits(schema: Schema) -> list[str | Element]:
    """What a value must keep to, and what it is when not given."""
    parts = [schema, *(each for each in schema.get("anyOf", ()) if "$ref" not in each)]
    said = [
        _range(part, low, high) + unit for part in parts for low, high, unit in RANGES if {low, high} & set(part)
    ]
    said += [f"above {_literal(part['exclusiveMinimum'])}" for part in parts if "exclusiveMinimum" in part]
    if schema.get("default") and "$ref" not in schema:
        said.append(f"default {_literal(schema['default'])}")
    return [" ", element("span", ", ".join(said), class_="limits")] if said else []


def _range(schema: Schema, low: str, high: str) -> str:
    if high not in schema:
        return f"from {_literal(schema[low])}"
    if low not in schema:
        return f"up to {_literal(schema[high])}"
    return f"{_literal(schema[low])} to {_literal(schema[high])}"


def _literal(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, str) else str(value).lower()
