"""Tells one service that Apprise knows one message: `python -m pipeline.telling`, JSON in and out.

It is a process of its own, so that it can be ended when it takes too long, and so that what it
writes down on the way, which may hold the address, is written nowhere.
"""

import json
import logging
import re
import sys
from typing import Any, Final
from urllib.parse import unquote

from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType, OverflowMode

# Of an address, what is as long as this may be a part of a secret.
_TELLING: Final = 4
_LONGEST: Final = 200


class _Complaints(logging.Handler):
    """Keeps the last that was complained of."""

    last = "it does not say why"

    def emit(self, record: logging.LogRecord) -> None:
        self.last = record.getMessage()


def tell(said: dict[str, Any]) -> dict[str, Any]:
    """Send `title` and `body` to `url`, as something bad or not; say what came of it.

    `service` is what Apprise calls it, or null where it does not know the address; `complaint` is
    why it was not accepted, without anything that the address has.
    """
    complaints = _Complaints(logging.WARNING)
    logging.basicConfig(handlers=[complaints])
    apprise = service_at(said["url"])
    if apprise is None:
        return {"service": None, "complaint": None}
    is_accepted = apprise.notify(
        said["body"],
        title=said["title"],
        notify_type=NotifyType.WARNING if said["is_bad"] else NotifyType.INFO,
        body_format=NotifyFormat.TEXT,
    )
    complaint = None if is_accepted else without_secrets(complaints.last, said["url"])
    return {"service": apprise[0].service_name, "complaint": complaint}


def service_at(url: str) -> Apprise | None:
    """Give the one service at an address; None where Apprise knows none.

    What is longer than it takes at once comes in several parts, unless the address says otherwise.
    """
    apprise = Apprise(asset=AppriseAsset(app_id="ratecard", app_desc="ratecard", app_url=""))
    if not apprise.add(url) or len(apprise) != 1:
        return None
    if "overflow=" not in url:
        apprise[0].overflow_mode = OverflowMode.SPLIT
    return apprise


def without_secrets(complaint: str, url: str) -> str:
    """Give what was said of a failure, in one short line without anything that an address has."""
    scheme, _, rest = url.partition("://")
    telling = set(re.findall(rf"[\w.-]{{{_TELLING},}}", f"{rest} {unquote(rest)}"))
    for secret in sorted(telling - {scheme}, key=len, reverse=True):
        complaint = re.sub(re.escape(secret), "***", complaint, flags=re.IGNORECASE)
    return "".join(sign if sign.isprintable() else " " for sign in complaint)[:_LONGEST]


if __name__ == "__main__":
    json.dump(tell(json.load(sys.stdin)), sys.stdout)
