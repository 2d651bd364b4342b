"""What is particular to English when questions are compared: frames, synonyms, opposites."""

from collections.abc import Mapping

from memos.lexical import words

NEGATIONS = frozenset(
    {"no", "not", "never", "none", "nobody", "nothing", "nowhere", "neither", "nor"} | {"without"}
)

DENYING = ("un", "in", "im", "ir", "il", "dis", "non", "de", "mis", "anti")
"""Beginnings that turn a word into its opposite."""

_FRAME = """
    about actually all also any anyone anybody anything best better can easiest easy effective effectively
    ever every everyone exactly find get give go good great help idea ideal just know like lot main make many
    most much need one ones people person possible possibly real really right some somebody someone something
    start still suggest tell thing tip top truly typical use want way
"""

_SYNONYMS = """
    advantage pros benefit; disadvantage cons drawback downside; movie film; photo picture image; buy
    purchase; start begin; kid child; phone mobile; big large; quick fast; kg kilogram; km kilometer
    kilometre; website site; app application; bike motorcycle; college university; job career; effect impact;
    delete erase; doctor physician; lawyer attorney; car automobile; rich wealthy; method technique; happen
    occur; choose select; finish end
"""

_OPPOSITES = """
    increase decrease; increase reduce; increase lower; raise lower; raise reduce; gain lose; win lose;
    maximum minimum; max min; maximize minimize; maximise minimise; highest lowest; high low; most least; more
    less; more fewer; best worst; good bad; better worse; love hate; like dislike; like hate; big small;
    biggest smallest; largest smallest; long short; longest shortest; tall short; fast slow; fastest slowest;
    hot cold; early late; first last; old new; old young; oldest youngest; cheap expensive; cheapest
    expensive; rich poor; strong weak; hard soft; hard easy; difficult easy; light dark; light heavy; thick
    thin; deep shallow; fat thin; wet dry; full empty; happy sad; positive negative; advantage disadvantage;
    advantage risk; before after; buy sell; import export; upload download; read write; input output; encode
    decode; encrypt decrypt; compress decompress; serialize deserialize; install uninstall; enable disable;
    activate deactivate; connect disconnect; attach detach; lock unlock; block unblock; follow unfollow;
    subscribe unsubscribe; mute unmute; add remove; add delete; add subtract; insert delete; create delete;
    create destroy; build destroy; open close; start stop; start end; start quit; push pull; push pop; send
    receive; lend borrow; teach learn; accept reject; accept refuse; allow prevent; allow deny; allow block;
    grant revoke; approve reject; agree disagree; cause prevent; cause cure; cause treat; prevent cure;
    prevent treat; help harm; save spend; hire fire; arrive leave; arrive depart; enter leave; enter exit;
    join leave; join quit; live die; birth death; born die; alive dead; public private; internal external;
    inside outside; above below; client server; frontend backend; horizontal vertical; row column; always
    never; male female; man woman; boy girl; guy girl; husband wife; boyfriend girlfriend; mother father; mom
    dad; brother sister; son daughter; uncle aunt; north south; east west; eastern western; northern southern;
    left right; true false; real fake; similarity difference; same different; similar opposite; same opposite;
    symmetric asymmetric; synchronous asynchronous; forward backward; major minor; upper lower; credit debit;
    profit loss; asset liability; supply demand; employer employee; theist atheist; liberal conservative;
    undergraduate graduate; undergraduate postgraduate; graduate postgraduate; introvert extrovert; day night;
    morning evening; summer winter; sunrise sunset; legal illegal; liquid gas; mutable immutable; static
    dynamic; local global; parent child; ascending descending; convex concave; freeze melt; shorter longer;
    larger smaller; bigger smaller; higher lower; faster slower; older younger; taller shorter; hotter colder;
    continue stop; receive give; within beyond; within outside; except include; exclude include;
    indoors outdoors; indoor outdoor; online offline; incoming outgoing; upgrade downgrade; succeed fail; pass
    fail; success failure; inhale exhale; buyer seller; tenant landlord; once twice;
    single multiple; locally remotely; local remote
"""


def _synonyms() -> Mapping[str, str]:
    groups = [[_stem(word) for word in group.split()] for group in _SYNONYMS.split(";")]
    return {term: group[0] for group in groups for term in group[1:]}


def _stem(word: str) -> str:
    """The term of a word, in whole if it has parts, or the word itself where it says nothing alone."""
    plain = word.lower().removesuffix("'s")
    *_, last = plain, *words(plain)
    return last


SYNONYMS: Mapping[str, str] = _synonyms()
"""For a term that says the same as another, that other."""


def term_of(word: str) -> str:
    """What a word is compared by: its stem, or that of the usual one of its synonyms."""
    stem = _stem(word)
    return SYNONYMS.get(stem, stem)


def _opposites() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for pair in _OPPOSITES.split(";"):
        one, other = map(term_of, pair.split())
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return {word: frozenset(others) for word, others in found.items()}


SIDES = (
    *(("on", "off"), ("in", "out"), ("up", "down"), ("over", "under"), ("for", "against")),
    *(("he", "she"), ("him", "her"), ("his", "her")),
)
"""Small words of opposite senses, which are also in most texts without any."""

FRAME = frozenset(map(term_of, _FRAME.split()))
"""Terms that frame a question more than they say what it is about."""

OPPOSITES: Mapping[str, frozenset[str]] = _opposites()
"""For a term, those that say the opposite of it."""
