"""Crash and retry: `python benchmarks/deliveries.py [--interleavings 500] [--kills 100]`.

Each interleaving has events, a webhook, an API of Apprise and a mailbox that take, refuse, hang,
hang up, or take and die, and runs that die between any two steps. Then processes that send are
killed with SIGKILL at random instants. In the end every event was told to every channel, under one
id for each, and exactly once where nothing went wrong.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.pipeline.delivering import (  # noqa: E402
    SECRET,
    Tracker,
    channels_of,
    event,
    interleave,
)
from tests.pipeline.receivers import Receiver, http_receiver, smtp_receiver  # noqa: E402

HOOK, API = "http://{}/hook", "apprise://{}/token"
MAIL = "mailto://{}?from=ratecard@example.org&to=team@example.org&mode=insecure"
SENDER = """
import sys
from pathlib import Path
import pytest
from tests.pipeline.delivering import Tracker, channels_of, event
from tests.pipeline.receivers import Receiver
folder, url, first, count, hours = sys.argv[1:]
receiver = Receiver()
receiver.url = url
patch = pytest.MonkeyPatch()
tracker = Tracker(Path(folder), patch, **channels_of(patch, hook=("http://{}/hook", receiver)))
tracker.events = [event(number) for number in range(int(first) + int(count))]
from datetime import timedelta
print("ready", flush=True)
tracker.deliver(timedelta(hours=int(hours)))
"""


def heard(receiver: Receiver, ids: Iterable[str]) -> Counter[str]:
    """Count how often each event came."""
    bodies = [body for _, body in receiver.taken]
    return Counter({name: sum(name[:8] in body for body in bodies) for name in ids})


def tell_at_random(folder: Path, count: int, seed: int) -> None:
    """Run the interleavings, and demand that each event came, and came once where all went well."""
    once = more = 0
    for number in range(count):
        patch = pytest.MonkeyPatch()
        with http_receiver() as hook, http_receiver() as web, smtp_receiver() as mailbox:
            receivers = {"hook": (HOOK, hook), "web": (API, web), "mail": (MAIL, mailbox)}
            tracker = interleave(
                folder / str(number),
                patch,
                Random(f"{seed} {number}"),  # noqa: S311 it plays
                **receivers,
            )
            ids = {said["event_id"] for said in tracker.events}
            for name, (_, receiver) in receivers.items():
                times = heard(receiver, ids)
                lost = [one for one in ids if not times[one]]
                assert not lost, f"interleaving {number}: {name} never heard of {lost}"
                once += sum(n == 1 for n in times.values())
                more += sum(n > 1 for n in times.values())
        patch.undo()
        if number % 50 == 49:  # noqa: PLR2004 from time to time
            print(f"{number + 1} interleavings: nothing lost", flush=True)
    print(
        f"{count} interleavings: every event reached each of 3 channels, {once} of them once, "
        f"{more} again, under the same id"
    )


def kill_senders(folder: Path, kills: int, seed: int) -> None:
    """Kill processes that send, and demand that the last one told all that was left."""
    random = Random(seed)  # noqa: S311 it plays
    with http_receiver() as receiver:
        place = str(folder / "killed")
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "WEBHOOK_SECRET": SECRET}
        first = reached = 0
        took = 1.0
        for number in range(kills + 1):
            count = random.randint(1, 20)
            sender = subprocess.Popen(
                [sys.executable, "-c", SENDER, place, receiver.url, f"{first}", f"{count}",
                 f"{7 * number}"],
                stdout=subprocess.PIPE, env=environment, cwd=ROOT,
            )  # fmt: skip
            assert sender.stdout is not None
            sender.stdout.readline()
            first += count
            begun = time.perf_counter()
            if 0 < number < kills:
                time.sleep(random.uniform(0, took))
                sender.send_signal(signal.SIGKILL)
                reached += sender.wait() != 0
            else:
                assert sender.wait() == 0
                took = time.perf_counter() - begun
        told = [json.loads(body) for _, body in receiver.taken]
        fired = {event(number)["event_id"] for number in range(first)}
        assert {said["event_id"] for said in told if said["kind"] != "channel"} == fired
        patch = pytest.MonkeyPatch()
        tracker = Tracker(Path(place), patch, **channels_of(patch, hook=(HOOK, receiver)))
        left = tracker.outbox.undelivered()
        patch.undo()
    again = len(told) - len({said["delivery_id"] for said in told})
    print(
        f"{reached} of {kills} kills met a process that sent: all {len(fired)} events arrived, "
        f"{again} of them again, under the same id, and nothing is left: {left or 'yes'}"
    )


def main() -> None:
    """Play it, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--interleavings", type=int, default=500)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    begun = time.perf_counter()
    with TemporaryDirectory() as folder:
        tell_at_random(Path(folder), asked.interleavings, asked.seed)
        kill_senders(Path(folder), asked.kills, asked.seed)
    print(f"took {timedelta(seconds=round(time.perf_counter() - begun))}")


if __name__ == "__main__":
    main()
