"""Channels: where alerts go, and how one message gets there.

A channel is an address of Apprise, which speaks for a hundred services, or a webhook that takes
signed JSON. Its address and its secret are read when something is sent, from where
`ratecard.toml` says, and are in no message, log or table.
"""

import base64
import binascii
import hashlib
import hmac
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any, Final, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Digest = Literal["immediately", "daily", "weekly"]
Language = Literal["en", "zh"]
DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# What a service may take to accept a message; one that takes longer is tried again later.
PATIENCE: Final = timedelta(seconds=30)
_LONGEST_SECRET: Final = 10_000
_LEAST_SECRET: Final = 16
_OUR_PREFIX: Final = "RATECARD_"


class ChannelError(Exception):
    """A message was not accepted, or nobody knows; the message says why and tells no secret.

    `not_before` is when the service wants to be asked again, if it said so; UTC without an offset.
    """

    def __init__(self, reason: str, not_before: datetime | None = None) -> None:
        super().__init__(reason)
        self.not_before = not_before


class Channel(BaseModel):
    """A table `[channels.NAME]`: where notices go."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["apprise", "webhook"] = Field(
        default="apprise",
        description="apprise for people, at any address that Apprise knows; webhook for programs",
    )
    url_env: str | None = Field(
        default=None, min_length=1, description="the environment variable that holds the address"
    )
    url_file: Path | None = Field(default=None, description="the file that holds the address")
    secret_env: str | None = Field(
        default=None,
        min_length=1,
        description="the environment variable that holds the secret that a webhook is signed with",
    )
    secret_file: Path | None = Field(
        default=None, description="the file that holds the secret that a webhook is signed with"
    )
    language: Language = Field(default="en", description="en or zh: English or Chinese")
    digest: Digest = Field(
        default="immediately", description="immediately, daily or weekly: when notices go out"
    )
    digest_at: time = Field(
        default=time(8), description='the hour of a daily or weekly digest, as "08:00"'
    )
    digest_on: str = Field(default="monday", description="the day of a weekly digest, as monday")
    quiet_from: time | None = Field(
        default=None, description='from when on nothing is sent, as "22:00"'
    )
    quiet_to: time | None = Field(
        default=None, description='from when on what waited is sent, as "07:00"'
    )
    time_zone: str = Field(
        default="UTC", description="whose hours these are, as Europe/Berlin or Asia/Shanghai"
    )

    @field_validator("digest_on")
    @classmethod
    def _is_a_day(cls, said: str) -> str:
        if said not in DAYS:
            raise ValueError(f"{said!r} is no day; there are {', '.join(DAYS)}")
        return said

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, said: str) -> str:
        try:
            ZoneInfo(said)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(
                f"{said!r} is no time zone; write one as Europe/Berlin or Asia/Shanghai"
            ) from error
        return said

    @field_validator("digest_at", "quiet_from", "quiet_to")
    @classmethod
    def _is_local(cls, said: time | None) -> time | None:
        if said is not None and said.tzinfo is not None:
            raise ValueError("an hour here has no zone of its own; it is time_zone's")
        return said

    @field_validator("url_env", "secret_env")
    @classmethod
    def _is_not_ours(cls, said: str | None) -> str | None:
        if said is not None and said.upper().startswith(_OUR_PREFIX):
            raise ValueError(
                f"{said}: names that begin with {_OUR_PREFIX} are ratecard's settings; take another"
            )
        return said

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        if (self.url_env is None) == (self.url_file is None):
            raise ValueError(
                "url_env: an address often holds a secret, so name the environment variable that "
                "has it, or a file as url_file; one of both"
            )
        has_secret = (self.secret_env is None) != (self.secret_file is None)
        if self.is_machine and not has_secret:
            raise ValueError("secret_env: a webhook is signed; add secret_env or secret_file")
        if not self.is_machine and (self.secret_env or self.secret_file):
            raise ValueError("secret_env: only a webhook is signed; leave it out")
        if (self.quiet_from is None) != (self.quiet_to is None):
            raise ValueError("quiet_from: quiet hours have a beginning and an end; write both")
        if self.quiet_from is not None and self.quiet_from == self.quiet_to:
            raise ValueError("quiet_from: quiet hours that end when they begin have no length")
        for_people = {"language", "digest", "digest_at", "digest_on", "quiet_from", "time_zone"}
        if self.is_machine and (idle := sorted(for_people & self.model_fields_set)):
            raise ValueError(f"{idle[0]}: a webhook is told of each event at once; leave it out")
        return self

    @property
    def is_machine(self) -> bool:
        """Tell whether programs listen, which want each event by itself and at once."""
        return self.kind == "webhook"

    def goes_out_at(self, now: datetime, digest: Digest | None = None) -> datetime:
        """Say when what is ready now may be sent; both UTC without an offset.

        `digest` is a rule's own, if it has one.
        """
        if self.is_machine:
            return now
        zone = ZoneInfo(self.time_zone)
        due = now.replace(tzinfo=UTC).astimezone(zone)
        if (digest or self.digest) != "immediately":
            asked = DAYS.index(self.digest_on) if (digest or self.digest) == "weekly" else None
            due = _next(due, self.digest_at, asked)
        if self.quiet_from is not None and self.quiet_to is not None:
            clock = due.time()
            if self.quiet_from < self.quiet_to:
                is_quiet = self.quiet_from <= clock < self.quiet_to
            else:
                is_quiet = clock >= self.quiet_from or clock < self.quiet_to
            if is_quiet:
                due = _next(due, self.quiet_to, None)
        return max(now, due.astimezone(UTC).replace(tzinfo=None))

    def tell(self, title: str, body: str, home: Path, *, is_bad: bool = False) -> str:
        """Send people a plain text; give what the service said, or raise `ChannelError`.

        `home` is where the configuration file lies, from which `url_file` is found; with `is_bad`
        services show that somebody should look.
        """
        url = _secret("url", self.url_env, self.url_file, home)
        return _told({"url": url, "title": title, "body": body, "is_bad": is_bad})

    def post(self, delivery_id: str, content: Mapping[str, Any], home: Path) -> str:
        """Send a program one event; give what it said, or raise `ChannelError`.

        Signed as https://www.standardwebhooks.com (seen 2026-11-26) has it: `webhook-id` is the
        delivery's, the same at each attempt, `webhook-timestamp` is in seconds, and
        `webhook-signature` the HMAC-SHA256 of both and the body.
        """
        url = _secret("url", self.url_env, self.url_file, home)
        if urlsplit(url).scheme not in {"http", "https"}:
            raise ChannelError("the address of a webhook begins with https://, or http://")
        key = _key(_secret("secret", self.secret_env, self.secret_file, home))
        body = json.dumps(content, ensure_ascii=False, default=str).encode()
        at = str(int(datetime.now(UTC).timestamp()))
        signed = hmac.new(key, f"{delivery_id}.{at}.".encode() + body, hashlib.sha256)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "ratecard",
            "webhook-id": delivery_id,
            "webhook-timestamp": at,
            "webhook-signature": f"v1,{base64.b64encode(signed.digest()).decode()}",
        }
        return _in_time(lambda: _post(url, body, headers))


def _next(after: datetime, clock: time, weekday: int | None) -> datetime:
    """Give the first moment after another, in its zone, at which the clock shows that."""
    days = 0
    while True:
        day = after.date() + timedelta(days=days)
        moment = datetime.combine(day, clock, tzinfo=after.tzinfo)
        if moment > after and weekday in {None, day.weekday()}:
            return moment
        days += 1


def _secret(what: str, variable: str | None, file: Path | None, home: Path) -> str:
    """Read what must not be told."""
    if variable is not None:
        said = os.environ.get(variable, "")
        where = f"the environment variable {variable}"
    else:
        path = home / str(file)
        where = str(path)
        try:
            with path.open(encoding="utf-8") as opened:
                said = opened.read(_LONGEST_SECRET + 1)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            raise ChannelError(f"its {what} cannot be read from {where}: {reason}") from None
    said = said.strip()
    if not said or len(said) > _LONGEST_SECRET or "\n" in said:
        raise ChannelError(f"its {what} is missing; put it, in one line, into {where}")
    return said


def _key(secret: str) -> bytes:
    """Give the key that a secret is: what follows `whsec_` is in base64, all else is text."""
    try:
        encoded = secret.removeprefix("whsec_")
        key = base64.b64decode(encoded, validate=True) if encoded != secret else secret.encode()
    except (binascii.Error, ValueError):
        raise ChannelError("its secret begins with whsec_ and is not in base64 after it") from None
    if len(key) < _LEAST_SECRET:
        raise ChannelError(f"its secret is too short; take {_LEAST_SECRET} random bytes or more")
    return key


def _told(asked: Mapping[str, Any]) -> str:
    """Have a process of its own tell a service, which is ended when it takes too long."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "pipeline.telling"],
            input=json.dumps(asked),
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE.total_seconds(),
            check=True,
        )
        said = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise ChannelError(f"no answer within {PATIENCE.seconds} seconds") from None
    except (subprocess.SubprocessError, OSError, ValueError) as error:
        # what it wrote down may hold the address
        raise ChannelError(f"the attempt failed with {type(error).__name__}") from None
    if said["service"] is None:
        raise ChannelError("its address is none that Apprise knows; see docs/channels.md")
    if said["complaint"] is not None:
        raise ChannelError(f"{said['service']} did not accept it: {said['complaint']}")
    return f"accepted by {said['service']}"


def _in_time(send: Callable[[], str]) -> str:
    """Send, and wait no longer than `PATIENCE`, however slowly the other side drips.

    A thread that still waits then is left to itself: it holds nothing, and its service has its
    own limits.
    """
    answers: Queue[str | Exception] = Queue()

    def run() -> None:
        try:
            answers.put(send())
        except ChannelError as error:
            answers.put(error)
        except Exception as error:  # noqa: BLE001 a library's own message may hold the address
            answers.put(ChannelError(f"the attempt failed with {type(error).__name__}"))

    Thread(target=run, daemon=True).start()
    try:
        answer = answers.get(timeout=PATIENCE.total_seconds())
    except Empty:
        raise ChannelError(f"no answer within {PATIENCE.seconds} seconds") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _post(url: str, body: bytes, headers: Mapping[str, str]) -> str:
    import requests  # noqa: PLC0415 as Apprise

    # it would write down every address that it asks
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    seconds = PATIENCE.total_seconds() / 3
    try:
        # what it answers beside its status is nobody's business, and is never read
        with requests.post(
            url,
            data=body,
            headers=dict(headers),
            timeout=(seconds, seconds),
            allow_redirects=False,
            stream=True,
        ) as answer:
            status, retry_after = answer.status_code, answer.headers.get("Retry-After")
    except requests.Timeout:
        raise ChannelError("it did not answer in time") from None
    except requests.exceptions.SSLError:
        raise ChannelError("its certificate is not trusted") from None
    except requests.ConnectionError:
        raise ChannelError("it cannot be reached, or it hung up") from None
    except (requests.RequestException, UnicodeError, ValueError):
        raise ChannelError("its address is none that can be asked") from None
    if not requests.codes.ok <= status < requests.codes.multiple_choices:
        raise ChannelError(f"it answered with status {status}", _until(retry_after))
    return f"status {status}"


def _until(retry_after: str | None) -> datetime | None:
    """Read when a service wants to be asked again: in so many seconds, or at a date."""
    now = datetime.now(UTC)
    try:
        if retry_after is None:
            return None
        if retry_after.strip().isdigit():
            asked = now + timedelta(seconds=min(int(retry_after), 10**6))
        else:
            asked = parsedate_to_datetime(retry_after)
    except (ValueError, TypeError):
        return None
    return asked.astimezone(UTC).replace(tzinfo=None)
