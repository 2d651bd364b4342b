"""What is particular to English: words that say nothing alone, and inflections that no rule finds.

Words that negate or count are no stop words: they tell texts apart.
"""

from collections.abc import Mapping

_STOP_WORDS = """
    a about am an and any are as at be been being but by can could did do does doing for from had has have
    having he her hers him his how i if in into is it its itself just may me might must my of on or our ours
    shall she should so some than that the their theirs them then there these they this those to too up us was
    we were what when where which who whom whose why will with would you your yours
"""

STOP_WORDS = frozenset(_STOP_WORDS.split())

_IRREGULAR = """
    become became; begin began begun; bend bent; bite bit bitten; bleed bled; blow blew blown; break broke broken;
    breed bred; bring brought; build built; burn burnt; buy bought; catch caught; child children; choose chose
    chosen; cling clung; come came; creep crept; deal dealt; die died dying; dig dug; draw drew drawn; dream
    dreamt; drink drank drunk; drive drove driven; eat ate eaten; fall fell fallen; feed fed; feel felt; fight
    fought; find found; flee fled; fly flew flown; foot feet; forbid forbade forbidden; forget forgot forgotten;
    forgive forgave forgiven; freeze froze frozen; get got gotten; give gave given; go goes went gone; goose geese;
    grind ground; grow grew grown; hang hung; hear heard; hide hid hidden; hold held; keep kept; kneel knelt; know
    knew known; lay laid; lead led; lean leant; learn learnt; leave left; lend lent; lie lain lying; life lives;
    light lit; lose lost; make made; man men; mean meant; meet met; mouse mice; pay paid; person people; ride
    rode ridden; ring rang rung; rise rose risen; run ran; say said; see saw seen; seek sought; sell sold; send
    sent; shake shook shaken; shine shone; shoot shot; show shown; shrink shrank shrunk; sing sang sung; sink sank
    sunk; sit sat; sleep slept; slide slid; speak spoke spoken; spend spent; spin spun; stand stood; steal stole
    stolen; stick stuck; strike struck; swear swore sworn; sweep swept; swim swam swum; swing swung; take took
    taken; teach taught; tear tore torn; tell told; think thought; throw threw thrown; tie tying; tooth teeth;
    understand understood; wake woke woken; wear wore worn; weave wove woven; weep wept; wife wives; win won; wolf
    wolves; woman women; write wrote written
"""

IRREGULAR: Mapping[str, str] = {
    form: lemma for group in _IRREGULAR.split(";") for lemma, *forms in [group.split()] for form in forms
}
"""The plain form of each inflected one."""
