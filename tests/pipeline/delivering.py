"""Runs of the delivery that die anywhere and are run again, with receivers that misbehave."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from hashlib import md5
from pathlib import Path
from random import Random
from typing import Any, Final

import polars as pl
import pytest

from pipeline import channels, delivery
from pipeline.alerts import Alerts
from pipeline.channels import Channel
from pipeline.configuration import Setup
from pipeline.delivery import Told, deliver
from pipeline.settings import Settings
from tests.pipeline.receivers import MOODS, Mood, Receiver
from warehouse.outbox import Outbox
from warehouse.store import Store

NOW: Final = datetime(2026, 6, 1, 12)  # noqa: DTZ001 the warehouse's times are UTC without an offset
SECRET: Final = "whsec_c2VjcmV0IG9mIHNpeHRlZW4gYnl0ZXM="  # noqa: S105 nobody else's
RULES: Final = Alerts.model_validate({
    "changes": {"any": {}},
    "failing": {"any": {"again_days": 3}},
})  # fmt: skip
_OFFER: Final = {
    "tuning_method": "sft", "adapter": "lora", "service_tier": "standard", "region": None,
    "context_tier": None, "price_list": None,
}  # fmt: skip
_DETAILS: Final = {
    "changes": {
        **_OFFER, "remark": None, "old_availability": "priced", "new_availability": "priced",
        "old_pricing_currency": "USD", "since_alert_pct": None, "reference": None,
    },
    "ends": {**_OFFER, "days_left": 3},
    "failing": {"look_count": 3, "last_look_at": NOW.isoformat()},
}  # fmt: skip
# Where a run can die: before or after each of these.
STEPS: Final = ("observe", "due", "note_delivered", "note_failed")


class Died(BaseException):
    """The process was killed here."""


def event(number: int, kind: str = "changes", **said: Any) -> dict[str, Any]:  # noqa: ANN401
    """Give an event as a rule fires on it: of a change of price, or of a source that fails."""
    return {
        "event_id": md5(f"{kind} {number}".encode()).hexdigest(),  # noqa: S324 it names
        "kind": kind,
        "rule": "any",
        "provider": f"seller{number % 3}",
        "subject": f"seller{number % 3} model{number} sft training_tokens",
        "cause": "price_change" if kind == "changes" else "failing",
        "old": "3 per 1M tokens",
        "new": "4 per 1M tokens",
        "change_pct": 33.3,
        "began_at": NOW,
        "fires_at": NOW,
        "source": "page",
        "url": "https://example.org/prices",
        "capture_sha256": "0" * 64,
        "is_first_load": False,
        "is_pending": False,
        "model": f"model{number}",
        "canonical_model": f"model{number}",
        "meter": "training_tokens" if kind == "changes" else None,
        "term": None,
        "pricing_currency": "USD",
        "printed_text": "$4",
        "last_seen_before_at": NOW - timedelta(days=1),
        "details": json.dumps(_DETAILS[kind]),
        **said,
    }


class Tracker:
    """A data folder, what fires in it, what time it is, and to whom it is told."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, **told: Channel) -> None:
        self.events: list[dict[str, Any]] = []
        self.now = NOW
        self.built_at = NOW
        self.setup = Setup(Settings(data_dir=folder), alerts=RULES, channels=told)
        self.store = Store(folder)
        self.outbox = Outbox(folder)
        patch.setattr(delivery, "utc_now", lambda: self.now)
        patch.setattr(delivery, "fired", lambda *_, **__: pl.DataFrame(self.events, None))
        patch.setattr(Store, "built_at", lambda _: self.built_at)
        patch.setattr(Store, "published_before", lambda _: NOW - timedelta(days=1))

    def deliver(self, after: timedelta = timedelta()) -> list[Told]:
        self.now += after
        return deliver(self.setup, self.store)


def channels_of(
    patch: pytest.MonkeyPatch, **receivers: tuple[str, Receiver]
) -> Mapping[str, Channel]:
    """Give a channel for each receiver, which is spoken to by that scheme; `hook` is a webhook."""
    made = {}
    for name, (scheme, receiver) in receivers.items():
        variable = f"URL_OF_{name.upper()}"
        patch.setenv(variable, scheme.format(receiver.url))
        if scheme.startswith("http"):
            patch.setenv("WEBHOOK_SECRET", SECRET)
            made[name] = Channel(kind="webhook", url_env=variable, secret_env="WEBHOOK_SECRET")  # noqa: S106 its name
        else:
            made[name] = Channel(url_env=variable)
    return made


@contextmanager
def dying(patch: pytest.MonkeyPatch, dies: Callable[[], bool]) -> Iterator[None]:
    """Let every step of the outbox die before it, or after it, where `dies` says so."""

    def mortal(step: Callable[..., Any]) -> Callable[..., Any]:
        def taken(*arguments: object, **values: object) -> object:
            if dies():
                raise Died
            answer = step(*arguments, **values)
            if dies():
                raise Died
            return answer

        return taken

    with patch.context() as here:
        for name in STEPS:
            here.setattr(Outbox, name, mortal(getattr(Outbox, name)))
        # in the middle of a transaction, too
        here.setattr(Outbox, "_cancel_overtaken", mortal(Outbox._cancel_overtaken))  # noqa: SLF001
        yield


def interleave(
    folder: Path,
    patch: pytest.MonkeyPatch,
    random: Random,
    **receivers: tuple[str, Receiver],
) -> Tracker:
    """Let events fire, runs die and receivers misbehave at random; then let all be well again."""
    patch.setattr(channels, "PATIENCE", timedelta(seconds=5))
    tracker = Tracker(folder, patch, **channels_of(patch, **receivers))
    for _, receiver in receivers.values():
        is_healthy = random.random() < 0.3

        def mood(is_healthy: bool = is_healthy) -> Mood:  # noqa: FBT001 kept for later
            some = [one for one in MOODS if one != "hangs" or random.random() < 0.02]
            return "takes" if is_healthy or random.random() < 0.4 else random.choice(some)

        receiver.mood = mood
    for _ in range(random.randint(2, 5)):
        first = len(tracker.events)
        tracker.events += [
            event(first + n, random.choice(["changes", "failing"]))
            for n in range(random.randint(0, 3))
        ]
        risk = random.choice([0, 0.05, 0.2])
        with dying(patch, lambda risk=risk: random.random() < risk), suppress(Died):  # type: ignore[misc]
            tracker.deliver(timedelta(minutes=random.choice([0, 1, 5, 90])))
    for _, receiver in receivers.values():
        receiver.mood = lambda: "takes"
    for _ in range(3):
        tracker.deliver(timedelta(hours=7))
    return tracker
