"""What a page says, as every channel can carry it: people read it, and no program obeys it.

Names, printed texts, reasons and addresses come from pages. Here they become one line of signs
that show what they are, and what any channel would take for markup, a mention or a link becomes a
sign that looks like it.
"""

import re
from html.entities import html5
from typing import Final
from urllib.parse import quote, urlsplit

LONGEST: Final = 120
_LONGEST_URL: Final = 2000
# Printable to Python, but nothing to see: fillers, blanks, and what picks a variant of a sign.
_INVISIBLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\ufe00-\ufe0f"
    "\U000e0100-\U000e01ef]"
)
# Each is as long as what it replaces, so that a text can be cut before.
_LOOK_ALIKES: Final = str.maketrans("@<>`*[]|\\~#", "＠‹›'∗［］│＼∼＃")
# What HTML takes for an entity even without its semicolon, such as the head of `&currencyCode`.
_HEADS: Final = "|".join(name for name in html5 if not name.endswith(";"))
# inside a word it is none
_EMPHASIS: Final = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_SEEN_AS: Final = (
    (_EMPHASIS, "＿"),
    (re.compile(r":(?=//)"), "："),  # a link
    (re.compile(r":(?=[a-z_][\w+-]*:)", re.IGNORECASE), "："),  # :smile:
    # an entity; whoever prints it may set a semicolon behind it
    (re.compile(rf"&(?=#|{_HEADS}|\w+(?:;|$))"), "＆"),
    # a site without its scheme: a version's numbers, and what a hyphen follows, are none
    (re.compile(r"(?<=\w)\.(?=[^\W\d_]{2,}(?![\w-]))|(?<=www)\.", re.IGNORECASE), "․"),
)


def one_line(said: str, longest: int = LONGEST) -> str:
    """Make one line of printable signs of a text, cut where it is long; its markup stays."""
    line = _INVISIBLE.sub("", " ".join(said[: 10 * longest].split()))
    shown = line
    if not line.isprintable():
        shown = "".join(sign if sign.isprintable() else "\ufffd" for sign in line)
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


def plain(said: str, longest: int = LONGEST) -> str:
    """Make one line of a text: printable signs without markup, cut where it is long.

    What is plain already stays as it is.
    """
    shown = one_line(said, longest)
    for pattern, sign in _SEEN_AS:
        shown = pattern.sub(sign, shown)
    return shown.translate(_LOOK_ALIKES)


def address(url: str | None) -> str | None:
    """Give a page's address so that nothing in it is markup; None where it is none to follow."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return None
    # who stands before an @ is no host, but looks like one
    if parts.scheme not in {"http", "https"} or not parts.netloc or "@" in parts.netloc:
        return None
    place = quote(parts.netloc, safe=":.-", errors="replace")
    rest = parts._replace(scheme="", netloc="").geturl()
    shown = place + quote(rest, safe="/?#=&%+,$-.", errors="replace")
    shown = _EMPHASIS.sub("%5F", shown).replace("~", "%7E")
    shown = re.sub(f"&(?=#|{_HEADS})(.)", lambda found: f"&%{ord(found[1]):02X}", shown)
    return f"{parts.scheme}://{shown}" if len(shown) <= _LONGEST_URL else None
