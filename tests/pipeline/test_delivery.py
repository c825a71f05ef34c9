"""Delivery: who is told, of what, when, and that it is once."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from pipeline import channels, delivery
from pipeline.alerts import Alerts
from pipeline.channels import Channel, ChannelError
from pipeline.configuration import ConfigurationError, Setup, read_configuration
from pipeline.delivery import deliver
from pipeline.settings import Settings
from pipeline.telling import service_at, without_secrets
from tests.pipeline.conftest import First, ratecard
from tests.pipeline.delivering import (
    NOW,
    SECRET,
    Tracker,
    channels_of,
    event,
    interleave,
)
from tests.pipeline.receivers import Mood, Receiver, http_receiver, smtp_receiver
from tests.warehouse.worlds import World, day, quote
from warehouse.outbox import Outbox, OutboxError
from warehouse.store import Store, StoreError

HOUR = timedelta(hours=1)
HOOK = "http://{}/hook"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http_receiver() as one:
        yield one


@pytest.fixture
def receiving() -> Iterator[Callable[[str], Receiver]]:
    """Give the receiver that speaks what a scheme says."""
    with http_receiver() as web, smtp_receiver() as mailbox:
        yield lambda scheme: mailbox if scheme.startswith("mail") else web


@pytest.fixture
def hooked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> Tracker:
    return Tracker(tmp_path, monkeypatch, **channels_of(monkeypatch, hook=(HOOK, receiver)))


def posted(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(body) for _, body in receiver.taken]


def notices(receiver: Receiver) -> list[tuple[str, str]]:
    """Give what a program was sent: the kind of notice, and the event."""
    return [(said["type"], said["event_id"]) for said in posted(receiver)]


def test_an_event_is_told_once(hooked: Tracker, receiver: Receiver) -> None:
    hooked.events = [event(1)]
    assert [told.count for told in hooked.deliver()] == [1]
    assert [told.count for told in hooked.deliver(HOUR)] == [0]
    assert notices(receiver) == [("alert.fired", event(1)["event_id"])]


def test_a_webhook_is_signed_as_its_receivers_library_wants(
    hooked: Tracker, receiver: Receiver
) -> None:
    hooked.events = [event(1, subject="模型 <b>")]
    hooked.deliver()
    ((headers, body),) = receiver.taken
    said = Webhook(SECRET).verify(body, headers)
    assert said["event_id"] == event(1)["event_id"]
    assert headers["webhook-id"] == said["delivery_id"]


def test_interleavings_of_crash_and_retry_tell_each_event_to_each_channel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(25):
        with http_receiver() as one, http_receiver() as other:
            receivers = {"one": (HOOK, one), "other": (HOOK, other)}
            tracker = interleave(tmp_path / str(seed), monkeypatch, Random(seed), **receivers)  # noqa: S311
            fired = {said["event_id"] for said in tracker.events}
            for receiver in (one, other):
                told = [said for said in posted(receiver) if said["kind"] != "channel"]
                assert {said["event_id"] for said in told} == fired
                # what comes again comes under the same id
                assert len({said["delivery_id"] for said in told}) == len(fired)


def test_a_healthy_receiver_is_told_exactly_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    with http_receiver() as sick:
        told = channels_of(monkeypatch, sick=(HOOK, sick), well=(HOOK, receiver))
        tracker = Tracker(tmp_path, monkeypatch, **told)
        random = Random(1)  # noqa: S311 it plays
        sick.mood = lambda: random.choice(["refuses", "hangs_up", "takes", "takes_and_dies"])
        for number in range(8):
            tracker.events += [event(2 * number), event(2 * number + 1)]
            tracker.deliver(HOUR)
    told = [said["event_id"] for said in posted(receiver) if said["kind"] != "channel"]
    assert Counter(told) == Counter(said["event_id"] for said in tracker.events)


def test_processes_that_send_at_once_tell_it_once(hooked: Tracker, receiver: Receiver) -> None:
    hooked.events = [event(number) for number in range(5)]
    with ThreadPoolExecutor() as pool:
        counts = [told.count for (told,) in pool.map(lambda _: hooked.deliver(), range(4))]
    assert sorted(counts) == [0, 0, 0, 5]
    assert len(notices(receiver)) == 5


def test_who_sends_for_too_long_is_named(hooked: Tracker) -> None:
    hooked.deliver()
    waiting = Outbox(hooked.store.folder, wait_for=timedelta(seconds=0.1))
    with hooked.outbox.session(), pytest.raises(StoreError, match="has been writing to"):
        waiting.deliveries()


def test_an_outbox_that_cannot_be_read_stops_it_and_says_what_to_do(
    hooked: Tracker, receiver: Receiver
) -> None:
    (hooked.store.folder / "outbox.duckdb").write_bytes(b"this is no database" * 1000)
    hooked.events = [event(1)]
    with pytest.raises(OutboxError, match=r"outbox\.duckdb cannot be used: .*restore it"):
        hooked.deliver()
    assert not receiver.taken


def test_a_publication_is_evaluated_once_and_its_states_still_hold(
    hooked: Tracker, receiver: Receiver
) -> None:
    hooked.events = [event(1, "failing"), event(2, is_pending=True)]
    hooked.deliver()
    hooked.events = []
    hooked.deliver(timedelta(days=3), is_published=False)
    assert hooked.evaluations == 1
    assert [kind for kind, _ in notices(receiver)] == ["alert.fired", "alert.again"]
    # another rule is asked of the same publication
    hooked.setup = replace(hooked.setup, alerts=Alerts.model_validate({"review": {"all": {}}}))
    hooked.deliver(HOUR, is_published=False)
    assert hooked.evaluations == 2


def test_a_rule_is_silent_about_what_was_before_it(hooked: Tracker, receiver: Receiver) -> None:
    hooked.events = [event(1, fires_at=NOW - timedelta(days=2)), event(2)]
    hooked.deliver()
    assert notices(receiver) == [("alert.fired", event(2)["event_id"])]


def test_channels_do_not_wait_for_one_that_is_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    with http_receiver() as dead:
        dead.mood = lambda: "refuses"
        told = channels_of(monkeypatch, dead=(HOOK, dead), live=(HOOK, receiver))
        tracker = Tracker(tmp_path, monkeypatch, **told)
        tracker.events = [event(1)]
        assert [(one.count, one.undelivered_count) for one in tracker.deliver()] == [(0, 1), (1, 0)]
        for _ in range(6):
            tracker.deliver(HOUR)
        # and are told that it is
        assert [said["rule"] for said in posted(receiver)] == ["any", "dead"]
        assert "status 500" in posted(receiver)[1]["new"]
        dead.mood = lambda: "takes"
        tracker.deliver(timedelta(hours=7))
        tracker.deliver(HOUR)
        # it is not told of itself
        assert [said["rule"] for said in posted(dead)] == ["any"]
    assert [kind for kind, _ in notices(receiver)] == [
        "alert.fired",
        "alert.fired",
        "alert.resolved",
    ]


# What is behind an address of Apprise, and what becomes known of it.


@pytest.mark.parametrize(
    "scheme",
    [
        "json://{}/SecretToken",
        "apprise://{}/SecretToken",
        "mailto://{}?from=SecretName@example.org&to=team@example.org&mode=insecure",
    ],
)
@pytest.mark.parametrize("mood", ["takes", "refuses", "hangs", "hangs_up", "takes_and_dies"])
def test_services_take_messages_or_it_is_said_why_not(
    scheme: str,
    mood: Mood,
    receiving: Callable[[str], Receiver],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(channels, "PATIENCE", timedelta(seconds=3 if mood == "hangs" else 20))
    place = receiving(scheme)
    place.mood = lambda: mood
    monkeypatch.setenv("TEAM_URL", scheme.format(place.url))
    try:
        said = Channel(url_env="TEAM_URL").tell(
            "ratecard: 一个标题", "a body & <b>more</b>\n第二行", Path()
        )
        assert mood == "takes"
    except ChannelError as error:
        said = str(error)
        assert mood != "takes"
    assert "secret" not in said.lower()
    assert not any("secret" in printed.lower() for printed in capfd.readouterr())
    if mood in {"takes", "takes_and_dies"}:
        ((headers, body),) = place.taken
        if "Subject" in headers:
            assert "第二行" in body
        else:
            assert "%E7%AC%AC%E4%BA%8C%E8%A1%8C" in body or "第二行" in json.loads(body)["message"]


# what Apprise imports is its own affair
@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
@pytest.mark.parametrize(
    ("url", "longest"),
    [
        ("discord://1234567890/abcdefghijklmnop", 2000),
        ("tgram://123456789:abcdefg_hijklmnop/12345/", 4096),
    ],
)
def test_a_message_longer_than_a_service_takes_comes_in_parts(url: str, longest: int) -> None:
    service = service_at(url)
    assert service is not None
    lines = [f"• seller model-{number}: 3 → 4 USD" for number in range(400)]
    parts = [part["body"] for part in service[0]._apply_overflow("\n".join(lines), title="title")]  # noqa: SLF001 what it sends
    assert len(parts) > 1
    assert max(map(len, parts)) <= longest
    assert all(line in "".join(parts).replace("\n", "") or line in parts for line in lines)
    whole = service_at(f"{url}?overflow=truncate")
    assert whole is not None
    assert len(whole[0]._apply_overflow("\n".join(lines), title="title")) == 1  # noqa: SLF001


@given(
    st.from_regex(r"[a-z0-9]{5,20}", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9+%_.-]{4,40}", fullmatch=True),
    st.text(max_size=300),
)
def test_no_complaint_has_anything_of_an_address(scheme: str, secret: str, said: str) -> None:
    url = f"{scheme}://{secret}@example.org/{secret}?key={secret}"
    complaint = without_secrets(f"{said} {secret} {url} {unquote(secret).upper()}", url)
    for part in re.findall(r"[\w.-]{4,}", unquote(secret)):
        assert part.lower() not in complaint.lower().replace(scheme, "")
    assert complaint.isprintable() or not complaint


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"url_env": "NO_SUCH_VARIABLE"}, "its url is missing; put it, in one line, into the env"),
        ({"url_file": Path("no_such_file")}, "its url cannot be read from .*no_such_file: No such"),
        ({"url_env": "NONSENSE"}, "its address is none that Apprise knows"),
        ({"url_env": "NONSENSE", "kind": "webhook", "secret_env": "S"}, "begins with https://"),
        ({"url_env": "HTTP", "kind": "webhook", "secret_env": "S"}, "its secret is too short"),
        (
            {"url_env": "HTTP", "kind": "webhook", "secret_env": "W"},
            "and is not in base64 after it",
        ),
        ({"url_env": "HTTP", "kind": "webhook", "secret_env": "G"}, "it cannot be reached"),
    ],
)
def test_what_is_wrong_with_a_channel_is_said_without_its_secret(
    said: dict[str, Any], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NONSENSE", "nonsense-SecretToken")
    monkeypatch.setenv("HTTP", "http://127.0.0.1:9/SecretToken")
    monkeypatch.setenv("S", "short")
    monkeypatch.setenv("W", "whsec_SecretToken!")
    monkeypatch.setenv("G", SECRET)
    channel = Channel(**said)
    send: Callable[[], str] = partial(channel.tell, "title", "body", tmp_path)
    if channel.is_machine:
        send = partial(channel.post, "id", {}, tmp_path)
    with pytest.raises(ChannelError, match=told) as caught:
        send()
    assert "SecretToken" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_address_is_read_from_a_file_beside_the_configuration(
    tmp_path: Path, receiver: Receiver
) -> None:
    (tmp_path / "url").write_text(f"http://{receiver.url}/hook\n", "utf-8")
    (tmp_path / "secret").write_text(SECRET, "utf-8")
    channel = Channel(kind="webhook", url_file=Path("url"), secret_file=Path("secret"))
    assert channel.post("id", {"a": 1}, tmp_path) == "status 200"


def test_no_secret_is_in_the_outbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    receiver.mood = lambda: "refuses"
    told = channels_of(
        monkeypatch,
        hook=("http://{}/SecretToken", receiver),
        team=("json://{}/SecretToken", receiver),
    )
    tracker = Tracker(tmp_path, monkeypatch, **told)
    tracker.events = [event(1)]
    tracker.deliver()
    tracker.deliver(HOUR)
    assert receiver.tries == 4
    assert all(b"SecretToken" not in file.read_bytes() for file in tmp_path.iterdir())


# What people are told, and when.


def spoken(tracker: Tracker, name: str = "team") -> list[datetime]:
    """Give when notices were delivered to a channel, each moment once."""
    told = tracker.outbox.deliveries(everything=True)
    told = told.filter((pl.col("channel") == name) & (pl.col("state") == "delivered"))
    moments: list[datetime] = told["delivered_at"].unique().sort().to_list()
    return moments


@pytest.fixture
def team(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Tracker, list[str]]]:
    """Give what makes a channel for people, and what it was told; no process is started."""
    told: list[str] = []
    monkeypatch.setenv("TEAM_URL", "json://example.org/token")

    def made(alerts: Alerts | None = None, **said: Any) -> tuple[Tracker, list[str]]:  # noqa: ANN401
        monkeypatch.setattr(
            Channel,
            "tell",
            lambda _, title, body, *__, **___: told.append(f"{title}\n{body}") or "taken",
        )
        tracker = Tracker(tmp_path, monkeypatch, team=Channel(url_env="TEAM_URL", **said))
        if alerts is not None:
            tracker.setup = replace(tracker.setup, alerts=alerts)
        return tracker, told

    return made


def test_a_hundred_flapping_changes_make_one_digest(
    team: Callable[..., tuple[Tracker, list[str]]],
) -> None:
    tracker, told = team()
    tracker.events = [event(3 * n, subject="the same") for n in range(100)]
    tracker.deliver()
    assert len(told) == 1
    for number in range(100):
        assert event(3 * number)["event_id"][:8] in told[0]


def test_changes_that_come_one_by_one_are_told_at_once_and_then_together(
    team: Callable[..., tuple[Tracker, list[str]]],
) -> None:
    tracker, told = team()
    for number in range(10):
        tracker.events.append(event(3 * number))
        tracker.deliver(timedelta(minutes=5))
    assert len(told) == 1
    tracker.deliver(timedelta(minutes=16))
    assert len(told) == 2
    assert all(said["event_id"][:8] in told[1] for said in tracker.events[1:])


@pytest.mark.parametrize(
    ("now", "said", "due"),
    [
        ("2026-06-01 12:00", {}, "2026-06-01 12:00"),
        ("2026-06-01 12:00", {"digest": "daily"}, "2026-06-02 08:00"),
        ("2026-06-01 07:59", {"digest": "daily"}, "2026-06-01 08:00"),
        ("2026-06-01 12:00", {"digest": "daily", "time_zone": "Asia/Shanghai"}, "2026-06-02 00:00"),
        ("2026-06-01 12:00", {"digest": "weekly"}, "2026-06-08 08:00"),
        ("2026-06-01 07:00", {"digest": "weekly"}, "2026-06-01 08:00"),
        ("2026-06-01 07:00", {"digest": "weekly", "digest_on": "friday"}, "2026-06-05 08:00"),
        ("2026-06-01 23:00", {"quiet_from": "22:00", "quiet_to": "07:00"}, "2026-06-02 07:00"),
        ("2026-06-01 06:59", {"quiet_from": "22:00", "quiet_to": "07:00"}, "2026-06-01 07:00"),
        ("2026-06-01 07:00", {"quiet_from": "22:00", "quiet_to": "07:00"}, "2026-06-01 07:00"),
        ("2026-06-01 13:00", {"quiet_from": "12:00", "quiet_to": "14:00"}, "2026-06-01 14:00"),
        (
            "2026-06-01 12:00",
            {"digest": "daily", "quiet_from": "07:00", "quiet_to": "09:00"},
            "2026-06-02 09:00",
        ),
        # the night in which Berlin's clocks go from two to three has no half past two
        (
            "2026-03-29 00:45",
            {"quiet_from": "01:00", "quiet_to": "02:30", "time_zone": "Europe/Berlin"},
            "2026-03-29 01:30",
        ),
        # and the one in which they go back has two, of which the first will do
        (
            "2026-10-24 23:30",
            {"quiet_from": "01:00", "quiet_to": "02:30", "time_zone": "Europe/Berlin"},
            "2026-10-25 00:30",
        ),
    ],
)
def test_hours_are_kept(now: str, said: dict[str, Any], due: str) -> None:
    channel = Channel(url_env="TEAM_URL", **said)
    assert channel.goes_out_at(datetime.fromisoformat(now)) == datetime.fromisoformat(due)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),  # noqa: DTZ001
    st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Shanghai", "Pacific/Apia"]),
    st.sampled_from(["immediately", "daily", "weekly"]),
    st.times(),
    st.times(),
)
def test_nothing_goes_out_in_quiet_hours_and_all_within_a_week(
    now: datetime, zone: str, digest: str, begin: time, end: time
) -> None:
    begin, end = (clock.replace(fold=0) for clock in (begin, end))
    assume(begin != end)
    channel = Channel(
        url_env="TEAM_URL", digest=digest, quiet_from=begin, quiet_to=end, time_zone=zone
    )
    due = channel.goes_out_at(now)
    clock = due.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    assert now <= due <= now + timedelta(days=9)
    is_quiet = begin <= clock.time() < end if begin < end else not end <= clock.time() < begin
    # where clocks go forward, an hour that there is not ends when the next does
    assert not is_quiet or clock.utcoffset() != (clock - timedelta(hours=3)).utcoffset()


def test_a_daily_digest_has_all_of_the_day(
    team: Callable[..., tuple[Tracker, list[str]]],
) -> None:
    tracker, told = team(digest="daily", time_zone="Asia/Shanghai")
    for number in range(5):
        tracker.events.append(event(number))
        tracker.deliver(2 * HOUR)
    assert not told
    tracker.deliver(3 * HOUR)
    assert len(told) == 1
    assert all(said["event_id"][:8] in told[0] for said in tracker.events)


def test_a_rule_can_be_more_urgent_than_its_channel(
    team: Callable[..., tuple[Tracker, list[str]]],
) -> None:
    rules = Alerts.model_validate({
        "changes": {"any": {}}, "failing": {"any": {"digest": "immediately"}}
    })  # fmt: skip
    tracker, told = team(rules, digest="weekly")
    tracker.events = [event(1), event(2, "failing")]
    tracker.deliver()
    assert len(told) == 1
    assert event(2, "failing")["event_id"][:8] in told[0]
    assert event(1)["event_id"][:8] not in told[0]


def test_a_state_is_told_again_while_it_holds_and_when_it_ends(
    hooked: Tracker, receiver: Receiver
) -> None:
    failing = event(1, "failing")["event_id"]
    hooked.events = [event(1, "failing")]
    for _ in range(8):
        hooked.deliver(timedelta(days=1))
    hooked.events = []
    hooked.deliver()
    hooked.deliver(timedelta(days=9))
    assert notices(receiver) == [
        ("alert.fired", failing),
        ("alert.again", failing),
        ("alert.again", failing),
        ("alert.resolved", failing),
    ]
    assert len({said["delivery_id"] for said in posted(receiver)}) == 4
    ((state,),) = hooked.outbox.events().select("state").rows()
    assert state == "resolved"


@pytest.mark.parametrize(
    ("ends_on", "told"),
    [("2026-06-02", ["alert.fired"]), ("2026-07-01", ["alert.fired", "alert.resolved"])],
)
def test_a_day_that_has_come_is_no_recovery_and_one_that_is_moved_is(
    hooked: Tracker, receiver: Receiver, ends_on: str, told: list[str]
) -> None:
    rules = Alerts.model_validate({"ends": {"any": {}}})
    hooked.setup = replace(hooked.setup, alerts=rules)
    hooked.events = [event(1, "ends", cause="shutdown_on", new=ends_on)]
    hooked.deliver()
    hooked.events = []
    hooked.deliver(timedelta(days=1))
    assert [kind for kind, _ in notices(receiver)] == told


def test_what_is_over_before_anybody_heard_of_it_is_not_told(
    team: Callable[..., tuple[Tracker, list[str]]],
) -> None:
    tracker, told = team(quiet_from="12:00", quiet_to="18:00")
    tracker.events = [event(1, "failing")]
    tracker.deliver()
    tracker.events = []
    tracker.deliver(HOUR)
    tracker.deliver(7 * HOUR)
    assert not told


def test_a_rule_that_asks_for_something_else_ends_nothing(
    hooked: Tracker, receiver: Receiver
) -> None:
    hooked.events = [event(1, "failing")]
    hooked.deliver()
    rules = Alerts.model_validate({"failing": {"any": {"sources": ["another"]}}})
    hooked.setup = replace(hooked.setup, alerts=rules)
    hooked.events = []
    hooked.deliver(HOUR)
    hooked.setup = replace(hooked.setup, alerts=Alerts())
    hooked.deliver(HOUR)
    assert [kind for kind, _ in notices(receiver)] == ["alert.fired"]


def test_a_first_load_is_silent_and_its_states_are_remembered_later(
    hooked: Tracker, receiver: Receiver
) -> None:
    hooked.events = [event(1, "failing", is_first_load=True)]
    hooked.deliver()
    hooked.events = [event(1, "failing")]
    hooked.deliver(timedelta(days=1))
    assert not receiver.taken
    # it was shown then, and so it is told again after `again_days`
    hooked.deliver(timedelta(days=3))
    assert [kind for kind, _ in notices(receiver)] == ["alert.again"]


def test_what_is_pending_is_told_when_a_second_look_agrees(
    hooked: Tracker, receiver: Receiver
) -> None:
    hooked.events = [event(1, is_pending=True), event(2, is_pending=True)]
    hooked.deliver()
    assert not receiver.taken
    hooked.events = [event(1)]
    hooked.deliver(HOUR)
    assert notices(receiver) == [("alert.fired", event(1)["event_id"])]
    states = dict(hooked.outbox.events().select("event_id", "state").rows())
    assert states == {event(1)["event_id"]: "sent", event(2)["event_id"]: "refuted"}
    # a look that failed meanwhile refutes nothing: the next one that agrees confirms
    hooked.events = [event(2)]
    hooked.deliver(HOUR)
    assert notices(receiver)[1:] == [("alert.fired", event(2)["event_id"])]


def test_who_takes_care_of_an_event_hears_no_more_of_it(
    hooked: Tracker, receiver: Receiver
) -> None:
    hooked.events = [event(1, "failing")]
    hooked.deliver()
    known = hooked.outbox.ack(event(1, "failing")["event_id"][:8], "on it", hooked.now)
    assert known == event(1, "failing")["event_id"]
    for _ in range(5):
        hooked.deliver(timedelta(days=2))
    hooked.events = []
    hooked.deliver(HOUR)
    assert [kind for kind, _ in notices(receiver)] == ["alert.fired"]
    with pytest.raises(OutboxError, match="no event begins with ffffffff"):
        hooked.outbox.ack("ffffffff", None, hooked.now)
    with pytest.raises(OutboxError, match="'%' is no event"):
        hooked.outbox.ack("%", None, hooked.now)


def test_a_muted_rule_says_nothing_and_afterwards_what_still_holds(
    hooked: Tracker, receiver: Receiver
) -> None:
    hooked.deliver()
    muted = [("changes", "any"), ("failing", "any")]
    hooked.outbox.mute(muted, hooked.now + timedelta(days=2), None, hooked.now)
    assert {*hooked.outbox.mutes(hooked.now)} == {*muted}
    hooked.now += HOUR
    hooked.events = [event(1, fires_at=hooked.now), event(2, "failing"), event(4, "failing")]
    hooked.deliver()
    hooked.events = hooked.events[:2]
    hooked.deliver(timedelta(days=1))
    assert not receiver.taken
    hooked.deliver(timedelta(days=1))
    assert notices(receiver) == [("alert.fired", event(2, "failing")["event_id"])]


def test_what_waits_for_a_muted_rule_is_cancelled(
    team: Callable[..., tuple[Tracker, list[str]]],
) -> None:
    tracker, told = team(digest="daily")
    tracker.events = [event(1)]
    tracker.deliver()
    tracker.outbox.mute([("changes", "any")], tracker.now + HOUR, None, tracker.now)
    tracker.deliver(timedelta(days=2))
    assert not told


def test_a_service_that_wants_to_be_left_alone_is(hooked: Tracker, receiver: Receiver) -> None:
    receiver.mood, receiver.retry_after = (lambda: "refuses"), "7200"
    hooked.events = [event(1)]
    hooked.deliver()
    hooked.deliver(HOUR)
    assert receiver.tries == 1
    receiver.mood = lambda: "takes"
    # it counts by its own clock, which the test's does not move
    (waiting,) = hooked.outbox.deliveries().to_dicts()
    assert waiting["error"] == "it answered with status 500"
    assert waiting["next_at"] > NOW + HOUR


def test_the_time_between_attempts_doubles(hooked: Tracker, receiver: Receiver) -> None:
    receiver.mood = lambda: "refuses"
    hooked.events = [event(1)]
    waits = []
    for _ in range(12):
        hooked.deliver()
        (waiting,) = hooked.outbox.deliveries().to_dicts()
        waits.append((waiting["next_at"] - hooked.now) / timedelta(minutes=1))
        hooked.now = waiting["next_at"]
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360, 360]


def test_a_channel_that_is_no_more_is_owed_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    receiver.mood = lambda: "refuses"
    tracker = Tracker(tmp_path, monkeypatch, **channels_of(monkeypatch, hook=(HOOK, receiver)))
    tracker.events = [event(1)]
    tracker.deliver()
    tracker.setup = replace(tracker.setup, channels={})
    assert tracker.deliver(HOUR) == []
    assert tracker.outbox.deliveries().is_empty()
    (told,) = tracker.outbox.deliveries(everything=True).to_dicts()
    assert (told["state"], told["error"]) == ("cancelled", "the channel is no more")


def test_after_a_month_a_notice_is_given_up(hooked: Tracker, receiver: Receiver) -> None:
    receiver.mood = lambda: "refuses"
    hooked.events = [event(1)]
    hooked.deliver()
    hooked.deliver(timedelta(days=31))
    hooked.deliver(timedelta(days=31))
    assert receiver.tries == 2
    assert hooked.outbox.deliveries()["state"].to_list() == ["given_up"]


# What can be written into ratecard.toml, and what the commands say.

MISTAKEN: Final = """
[channels.inline]
url = "slack://SecretToken"
[channels.both]
url_env = "A"
url_file = "b"
[channels.ours]
url_env = "RATECARD_TEAM"
[channels.unsigned]
kind = "webhook"
url_env = "A"
[channels.signed]
url_env = "A"
secret_env = "B"
[channels.program]
kind = "webhook"
url_env = "A"
secret_env = "B"
digest = "daily"
[channels.half]
url_env = "A"
quiet_from = "22:00"
[channels.hours]
url_env = "A"
quiet_from = "25:00"
quiet_to = "07:00"
[channels.zone]
url_env = "A"
time_zone = "Berlin"
[channels.day]
url_env = "A"
digest = "hourly"
digest_on = "freitag"
[alerts.failing.any]
channels = ["taem"]
[channels.team]
url_env = "A"
"""


def test_mistakes_about_channels_are_told_at_once_with_their_lines(tmp_path: Path) -> None:
    file = tmp_path / "ratecard.toml"
    file.write_text(MISTAKEN, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        read_configuration(file)
    told = str(caught.value).splitlines()
    assert "SecretToken" not in str(caught.value)
    said = [
        ("channels.inline.url: no such key; did you mean `url_env`?", 3),
        ("channels.both.url_env: an address often holds a secret", 5),
        ("channels.ours.url_env: RATECARD_TEAM: names that begin with RATECARD_", 8),
        ("channels.unsigned.secret_env: a webhook is signed", 9),
        ("channels.signed.secret_env: only a webhook is signed", 14),
        ("channels.program.digest: a webhook is told of each event at once", 19),
        ("channels.half.quiet_from: quiet hours have a beginning and an end", 22),
        ("channels.hours.quiet_from: ", 25),
        ("channels.zone.time_zone: 'Berlin' is no time zone", 29),
        ("channels.day.digest: ", 32),
        ("channels.day.digest_on: 'freitag' is no day", 33),
        ("alerts.failing.any.channels: 'taem' is unknown; did you mean 'team'?", 35),
    ]
    assert len(told) == 1 + len(said), told
    for text, line in said:
        assert any(text in one and one.endswith(f"(line {line})") for one in told), text


RULES_AND_CHANNELS: Final = """
[alerts.changes.any]
[alerts.failing.any]
[alerts.unconfirmed.any]
days = 1
[channels.hook]
kind = "webhook"
url_env = "HOOK_URL"
secret_env = "HOOK_SECRET"
"""


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> Receiver:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOOK_URL", f"http://{receiver.url}/SecretToken")
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    (tmp_path / "ratecard.toml").write_text(RULES_AND_CHANNELS, encoding="utf-8")
    return receiver


def test_the_commands_of_delivery(
    answered: First, copied: Callable[[First], Path], written: Receiver
) -> None:
    folder = copied(answered)

    def said(*command: str, code: int = 0) -> str:
        ran = ratecard("alerts", *command, "--data-dir", folder)
        assert (ran.code, "SecretToken" in ran.out + ran.err) == (code, False), ran
        return ran.out or ran.err

    assert said("test", "hook") == "hook: status 200\n"
    assert [one["type"] for one in posted(written)] == ["alert.test"]
    sent, silent = said("send").splitlines()
    assert sent == "hook: nothing sent"
    assert re.fullmatch(
        r"A first load is silent: \d+ states hold already; `ratecard alerts check` shows them\.",
        silent,
    )
    assert said("send") == "hook: nothing sent\n"
    assert json.loads(said("send", "--json")) == [
        {"channel": "hook", "count": 0, "undelivered_count": 0, "error": None}
    ]
    assert said("outbox") == "Outbox: nothing to show\n"
    assert json.loads(said("test", "hook", "--json")) == {
        "channel": "hook", "receipt": "status 200",
    }  # fmt: skip
    (muted,) = json.loads(said("mute", "changes.any", "--days", "0", "--json"))
    assert (muted["kind"], muted["rule"]) == ("changes", "any")
    assert "muted until" in said("mute", "any", "--days", "3")
    assert said("mute", "failing.any", "--days", "0") == "failing.any: not muted\n"
    assert "no rule is called some; there are changes.any, unconfirmed.any, failing.any" in said(
        "mute", "some", code=2
    )
    assert "no channel is called team; there are hook" in said("test", "team", code=2)
    assert "no event begins with abcdef" in said("ack", "abcdef", code=1)
    written.mood = lambda: "refuses"
    assert "hook: it answered with status 500" in said("test", "hook", code=1)


def test_a_refresh_tells_what_is_new_and_fails_for_no_channel(
    alone: First,
    copied: Callable[[First], Path],
    written: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RATECARD_MIRROR", "http://127.0.0.1:9")
    ran = ratecard("refresh", "zhipu_pricing", "--data-dir", copied(alone))
    assert ran.code == 0
    assert "hook: nothing sent" in ran.out
    assert not written.taken


# The whole way, from what a page says to what somebody is told.


@pytest.fixture
def world(tmp_path: Path) -> World:
    one = World(Store(tmp_path / "data"), page=1, other=2)
    one.is_live = True
    return one


@pytest.fixture
def listening(
    world: World, monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> Callable[[float], list[dict[str, Any]]]:
    """Give what publishes a world as of a day, tells of it, and gives what was told then."""
    rules = Alerts.model_validate({kind: {"any": {}} for kind in ("changes", "disagreements")})
    told = channels_of(monkeypatch, hook=(HOOK, receiver))
    setup = Setup(Settings(data_dir=world.store.folder), alerts=rules, channels=told)

    def publish_and_tell(at: float) -> list[dict[str, Any]]:
        monkeypatch.setattr(delivery, "utc_now", lambda: day(at))
        receiver.taken.clear()
        assert [one.error for one in deliver(setup, world.publish(at))] == [None]
        return posted(receiver)

    return publish_and_tell


def test_a_price_that_changed_is_told_with_its_evidence(
    world: World, listening: Callable[[float], list[dict[str, Any]]]
) -> None:
    world.says(0, quote(3, url="https://example.org/prices", printed_text="$3"))
    assert listening(0.5) == []
    world.says(1, quote(4, url="https://example.org/prices", printed_text="$4 <b>"))
    (said,) = listening(1.5)
    assert {name: said[name] for name in ("version", "type", "kind", "rule", "provider")} == {
        "version": 1, "type": "alert.fired", "kind": "changes", "rule": "any", "provider": "seller",
    }  # fmt: skip
    assert (said["old"], said["new"], said["change_pct"]) == (
        "3 per 1M tokens",
        "4 per 1M tokens",
        33.33,
    )
    assert (said["url"], said["printed_text"]) == ("https://example.org/prices", "$4 <b>")
    assert said["began_at"] == "2026-01-02T00:00:00Z"
    assert "3 → 4 USD per 1M tokens (+33.33%)" in said["text"]
    assert "<" not in said["text"]
    assert listening(2) == []


def test_a_first_load_and_a_backfill_are_silent(
    world: World, listening: Callable[[float], list[dict[str, Any]]]
) -> None:
    world.says(10, quote(3))
    world.says(10, quote(5), source="other")
    # that they contradict each other is known to whoever looks, and told to nobody
    assert listening(10.5) == []
    world.is_live = False
    world._known = -999  # noqa: SLF001 it is known nine days after what it shows
    world.says(2, quote(9))
    assert listening(12) == []
    world.is_live = True
    world.says(13, quote(3))
    world.says(13, quote(6), source="other")
    told = listening(13.5)
    assert sorted((said["kind"], said["old"]) for said in told) == [
        ("changes", "5 per 1M tokens"), ("disagreements", "priced 3 USD"),
    ]  # fmt: skip


def test_what_is_loaded_again_or_read_better_is_told_to_nobody(
    world: World, listening: Callable[[float], list[dict[str, Any]]]
) -> None:
    world.says(0, quote(3))
    world.says(1, quote(4))
    listening(1.5)
    world.parser = lambda row: {**row, "unit_price": row["unit_price"] * 2}
    world.parser_version = 2
    world.store.reparse(None, None, day(2), world.read)
    assert (
        world.publish(2.5)
        .query("select count(*) from price_changes where cause = 'correction'")
        .item()
    )
    assert listening(3) == []
    world.store.rebuild(world.read)
    assert listening(4) == []
