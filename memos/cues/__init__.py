"""Who and when in the text of a query: names and times, as pure functions that read nothing but the text."""

from memos.cues.anchors import Relative, relative
from memos.cues.names import names_in
from memos.cues.spans import Period, distance
from memos.cues.speakers import speakers
from memos.cues.times import periods

__all__ = ["Period", "Relative", "distance", "names_in", "periods", "relative", "speakers"]
