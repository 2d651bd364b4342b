"""HTML as trees of elements, so that the library which writes them out does all the escaping."""

import re
from collections.abc import Iterable
from xml.etree.ElementTree import Element, tostring


def element(name: str, *children: str | Element, **attributes: str) -> Element:
    """An element with texts and elements in it; `class_` stands for the attribute `class`."""
    made = Element(name, {key.rstrip("_"): value for key, value in attributes.items()})
    last: Element | None = None
    for child in children:
        if isinstance(child, Element):
            made.append(child)
            last = child
        elif last is None:
            made.text = (made.text or "") + child
        else:
            last.tail = (last.tail or "") + child
    return made


def table(titles: Iterable[str], rows: Iterable[Iterable[Iterable[str | Element]]]) -> Element:
    """A table; each cell is a sequence of texts and elements."""
    head = element("tr", *(element("th", title) for title in titles))
    body = (element("tr", *(element("td", *cell) for cell in row)) for row in rows)
    return element("div", element("table", element("thead", head), element("tbody", *body)), class_="table")


def prose(text: str) -> list[str | Element]:
    """Text in which what stands between backticks is code."""
    parts = re.split(r"`([^`]+)`", text)
    return [element("code", part) if index % 2 else part for index, part in enumerate(parts)]


def html(root: Element) -> str:
    """The element as HTML."""
    return tostring(root, encoding="unicode", method="html")
