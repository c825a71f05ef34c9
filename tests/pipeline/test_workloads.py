"""Workloads: described, counted, changed for a question, and what the commands say of them."""

import json
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.main import get_command

from pipeline.cli import app
from pipeline.configuration import ConfigurationError, load_setup, read_configuration
from pipeline.crossings import crossings
from pipeline.workloads import (
    USUAL_CONSTRAINTS,
    Workload,
    WorkloadError,
    altered,
    counted,
    reference_workloads,
    workload_frame,
)
from tests.pipeline.conftest import First, ratecard

USUAL: Final = {
    "training_tokens": 1_000_000,
    "examples": 1000,
    "requests": 10_000,
    "prompt_before": 2000,
    "prompt_after": 500,
    "completion_tokens": 100,
}


def rows(*arguments: object, code: int = 0) -> Any:  # noqa: ANN401 what JSON holds
    ran = ratecard(*arguments, "--json")
    assert ran.code == code, ran.err
    return json.loads(ran.out)


def chat(*turns: str) -> str:
    roles = ("user", "assistant")
    messages = [{"role": roles[place % 2], "content": turn} for place, turn in enumerate(turns)]
    return json.dumps({"messages": messages})


def training_file(folder: Path, count: int = 12) -> Path:
    file = folder / "train.jsonl"
    lines = [chat(f"Where is order {n}?", "It is on its way.") for n in range(count)]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"requests": 0}, "requests: .* greater than 0, not 0; it is the requests of a month"),
        ({"requests": -5}, "requests: .*not -5"),
        ({"epochs": 2.5}, "epochs: .*not 2.5"),
        ({"cached_share": 1.5}, "cached_share: .*not 1.5"),
        ({"batch_share": "half"}, "batch_share: .*not half"),
        ({"horizon_months": 10_000}, "horizon_months: "),
        ({"prompt_after": 3000}, "prompt_after: 3000 tokens are more than the 2000 of prompt_b"),
        ({"examples": 2_000_000}, "examples: 2000000 examples in 1000000 training_tokens"),
        ({"training_tokens": None}, "give training_tokens and examples, or a file as data"),
        ({"data": "train.jsonl"}, "give training_tokens and examples, or a file as data"),
    ],
)
def test_a_workload_that_cannot_be_says_why(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(WorkloadError, match=said):
        altered(Workload(**USUAL), changes)


def test_every_mistake_of_a_workload_is_told_at_once() -> None:
    with pytest.raises(WorkloadError) as told:
        altered(Workload(**USUAL), {"requests": 0, "epochs": 0, "batch_share": 7})
    assert len(str(told.value).splitlines()) == 3


def test_what_is_wrong_in_the_file_is_named_by_its_place(tmp_path: Path) -> None:
    file = tmp_path / "ratecard.toml"
    file.write_text(
        """
        [workloads.one]
        training_tokens = 1000
        examples = 10
        requests = 0
        promt_before = 100
        prompt_after = 10
        completion_tokens = 5
        [workloads.two]
        training_tokens = 1000
        examples = 10
        requests = 1
        prompt_before = 100
        prompt_after = 200
        completion_tokens = 5
        [constraints.mine]
        hosting = "somebody"
        max_upfront_usd = -1
        """,
        encoding="utf-8",
    )
    with pytest.raises(ConfigurationError) as told:
        read_configuration(file)
    said = str(told.value)
    assert "has 6 mistakes" in said
    for place in (
        "workloads.one.requests: ",
        "workloads.one.promt_before: no such key; did you mean `prompt_before`?",
        "workloads.one.prompt_before: is missing; add the tokens of a prompt without tuning",
        "workloads.two.prompt_after: 200 tokens are more than the 100 of prompt_before",
        "constraints.mine.hosting: ",
        "constraints.mine.max_upfront_usd: ",
    ):
        assert place in said


def test_a_workload_of_the_same_name_replaces_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    training_file(tmp_path)
    Path("ratecard.toml").write_text(
        """
        [workloads.classifier]
        data = "train.jsonl"
        requests = 7
        prompt_before = 10
        prompt_after = 10
        completion_tokens = 1
        [constraints.mine]
        providers = ["openai"]
        """,
        encoding="utf-8",
    )
    setup = load_setup()
    assert {*setup.workloads} == {*reference_workloads()}
    assert {*setup.constraints} == {*USUAL_CONSTRAINTS, "mine"}
    ours = setup.counted.workloads["classifier"]
    assert (ours.requests, ours.examples, ours.data) == (7, 12, None)
    tokens = dict(setup.counted.workload_tokens.drop("workload").rows())
    assert tokens["o200k_base"] == ours.training_tokens
    listed = {row["workload"]: row for row in rows("workloads")}
    assert listed["classifier"]["training_tokens"] == ours.training_tokens


def test_a_file_with_wrong_lines_is_no_workload_s(tmp_path: Path) -> None:
    file = training_file(tmp_path)
    file.write_text(file.read_text("utf-8") + "{}\n", encoding="utf-8")
    asked = {name: value for name, value in USUAL.items() if "t" not in name[:1]}
    del asked["examples"]
    workload = Workload(data=file, **asked)
    with pytest.raises(WorkloadError, match=r"mine.data: .* has 1 wrong lines, .* line 13; see"):
        counted({"mine": workload})
    with pytest.raises(WorkloadError, match=r"mine.data: .*none\.jsonl"):
        counted({"mine": workload.model_copy(update={"data": tmp_path / "none.jsonl"})})


def test_a_question_reads_no_file_but_that_of_its_workload(
    answered: First, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = training_file(tmp_path)
    words = "requests = 7\nprompt_before = 10\nprompt_after = 10\ncompletion_tokens = 1\n"
    Path("ratecard.toml").write_text(
        f'[workloads.good]\ndata = "train.jsonl"\n{words}'
        f'[workloads.lost]\ndata = "none.jsonl"\n{words}',
        encoding="utf-8",
    )
    for asked in ((), ("good",)):
        assert rows("break-even", *asked, "--data-dir", answered.folder)
    assert rows("estimate", file, "--workload", "lost", "--data-dir", answered.folder)
    for command in (("workloads",), ("break-even", "lost")):
        ran = ratecard(*command, "--data-dir", answered.folder)
        assert ran.code == 2
        assert "ratecard.toml: lost.data: " in ran.err


def test_reference_workloads_differ_and_are_described() -> None:
    ours = reference_workloads()
    assert {"classifier", "support_assistant", "extraction", "ten_thousand_requests"} == {*ours}
    assert all(workload.description for workload in ours.values())
    assert ours["ten_thousand_requests"].requests == 10_000
    assert workload_frame(ours).height == len(ours)


def test_what_is_given_replaces_what_the_workload_says(answered: First) -> None:
    few = rows("break-even", "classifier", "--data-dir", answered.folder)
    many = rows("break-even", "classifier", "--requests", 10**7, "--data-dir", answered.folder)
    assert {row["workload"] for row in many} == {"classifier"}
    offer = {"provider": "openai", "model": "gpt-4.1-2025-04-14", "method": "sft"}
    before, after = (
        next(row for row in found if offer.items() <= row.items()) for found in (few, many)
    )
    assert float(after["tuned_monthly_usd"]) > float(before["tuned_monthly_usd"])
    assert after["upfront_usd"] == before["upfront_usd"]
    assert after["requests_needed"] == before["requests_needed"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("clasifier",), "no such workload: clasifier; did you mean classifier?"),
        (("--provider", "opnai"), "no provider is called opnai; did you mean openai?"),
        (("--model", "gtp-4.1"), "no model is called gtp-4.1; did you mean gpt-4.1"),
        (("--alternative", "gpt-4o-mimi"), "no alternative is called gpt-4o-mimi; did you mean"),
        (("--requests", "0"), "requests: "),
        (("--prompt-after", "999999"), "prompt_after: 999999 tokens are more than"),
        (("--vary", "requests"), "--vary requests: write it as requests=1000..1000000"),
        (("--vary", "weather=1..2"), "--vary weather=1..2: write it as"),
        (("--vary", "requests=9..1"), "9 is not below 1"),
        (("--vary", "prompt_after=10..99999"), "tokens are more than the 3000 of prompt_before"),
        (("--explain",), "--explain wants one offer"),
    ],
)
def test_a_question_that_cannot_be_answered_says_why(
    answered: First, arguments: tuple[str, ...], said: str
) -> None:
    ran = ratecard("break-even", *arguments, "--data-dir", answered.folder)
    assert ran.code in {1, 2}
    assert said in ran.err


def test_every_line_of_a_bill_leads_to_its_evidence(answered: First) -> None:
    lines = rows(
        "break-even", "support_assistant", "--provider", "openai", "--model", "gpt-4o-2024",
        "--explain", "--data-dir", answered.folder,
    )  # fmt: skip
    assert {line["bill"] for line in lines} == {"training", "month", "prompting"}
    standard = [line for line in lines if line["offer"] == "gpt-4o-2024-08-06 sft"]
    training = next(line for line in standard if line["item"] == "training tokens")
    # five million tokens, three times through, at 25 dollars
    assert (training["quantity"], training["amount_usd"]) == ("15", "375")
    assert (training["list_unit_price"], training["pricing_unit"]) == ("25", "1M tokens")
    assert "25" in training["printed_text"]
    for line in lines:
        if line["item"] != "laid aside for retraining":
            assert line["capture_sha256"]
            assert line["url"].startswith("https://")
    printed = ratecard(
        "break-even", "support_assistant", "--provider", "openai", "--model", "gpt-4o-2024",
        "--explain", "--data-dir", answered.folder,
    ).out  # fmt: skip
    assert "The bills, line by line" in printed


def test_whatever_a_workload_says_can_be_given_instead() -> None:
    given = get_command(app).commands["break-even"].params  # type: ignore[attr-defined]
    options = {option.name.replace("alternative", "alternatives") for option in given}
    assert Workload.model_fields.keys() - options == {"description", "data"}


def test_what_is_given_is_what_a_file_would_say(answered: First) -> None:
    asked = ("break-even", "classifier", "--data-dir", answered.folder)

    def costs(provider: str, *given: object) -> list[tuple[str, str]]:
        found = rows(*asked, "--provider", provider, *given)
        costs = [(row["upfront_usd"], row["tuned_monthly_usd"]) for row in found]
        return [cost for cost in costs if cost[0]]

    packed = costs("together", "--packed")
    padded = costs("together", "--padded", "--max-sequence-tokens", 100_000)
    assert packed
    assert all(
        float(more) > float(less) for (more, _), (less, _) in zip(padded, packed, strict=True)
    )
    usual, cached = (costs("openai", "--cached-share-after", share) for share in (0, 0.9))
    assert usual != cached
    labels, texts = (
        rows(*asked, "--provider", "mistral", "--answers", answers)
        for answers in ("labels", "text")
    )
    assert {row["verdict"] for row in labels} != {row["verdict"] for row in texts}


def test_crossings_are_where_the_verdicts_change(answered: First) -> None:
    asked = ("break-even", "ten_thousand_requests", "--provider", "openai")
    found = rows(*asked, "--vary", "requests=1000..100000000", "--data-dir", answered.folder)
    verdicts = [row for row in found if "openai" in row["subject"]]
    assert verdicts
    row = verdicts[0]
    for requests, key in ((int(row["requests"]) - 1, "before"), (int(row["requests"]), "after")):
        there = rows(*asked, "--requests", requests, "--data-dir", answered.folder)
        outcomes = {f"{r['provider']} {r['model']} {r['method']}": r["verdict"] for r in there}
        assert outcomes[row["subject"]] == row[key]
    shares = rows(*asked, "--vary", "cached-share=0..1", "--data-dir", answered.folder)
    assert all(0 < float(row["cached_share"]) <= 1 for row in shares)


@given(
    st.lists(st.integers(1, 5000), min_size=1, max_size=4, unique=True).map(sorted),
    st.integers(0, 100),
)
def test_each_step_of_a_straight_cost_is_found(steps: list[int], low: int) -> None:
    high = low + 5000
    # each subject steps once
    at = {f"s{place}": low + step for place, step in enumerate(steps)}

    def outcomes(numbers: list[int]) -> pl.DataFrame:
        return pl.DataFrame(
            [
                {"number": number, "subject": name, "outcome": "yes" if number >= step else "no"}
                for number in numbers
                for name, step in at.items()
            ]
        )

    found = crossings(low, high, outcomes)
    assert {row["subject"]: row["number"] for row in found.iter_rows(named=True)} == at
    assert set(found["before"]) | set(found["after"]) == {"yes", "no"}


def test_another_day_has_its_own_answer(answered: First) -> None:
    assert rows("break-even", "--as-of", "2020-01-01", "--data-dir", answered.folder) == []
    assert rows("claims", "--as-of", "2020-01-01", "--data-dir", answered.folder) == []
    today = rows("claims", "--provider", "openai", "--data-dir", answered.folder)
    assert {row["provider"] for row in today} == {"openai"}


def test_a_training_file_is_priced_at_every_seller(answered: First, tmp_path: Path) -> None:
    file = training_file(tmp_path)
    found = rows("estimate", file, "--epochs", 2, "--data-dir", answered.folder)
    assert found["file"]["format"] == "chat"
    assert found["file"]["example_count"] == 12
    tokens = found["file"]["tokens"]
    jobs = {(job["provider"], job["model"], job["method"]): job for job in found["jobs"]}
    mini = jobs["openai", "gpt-4.1-mini-2025-04-14", "sft"]
    assert mini["tokenizer"] == "o200k_base"
    assert mini["billed_tokens"] == 2 * tokens["o200k_base"]
    assert mini["tokens_error_pct"] == 0
    turbo = jobs["openai", "gpt-3.5-turbo", "sft"]
    assert turbo["file_tokens"] == tokens["cl100k_base"]
    assert {job["provider"] for job in found["jobs"]} > {"openai", "fireworks", "volcengine"}
    doubao = next(job for job in found["jobs"] if job["provider"] == "volcengine")
    assert (doubao["tokenizer"], doubao["billed_tokens"] % 1000) == (None, 0)
    assert doubao["tokens_error_pct"] >= 30
    assert found["break_even"] == []
    hourly = next(job for job in found["jobs"] if job["model"] == "o4-mini-2025-04-16")
    assert hourly["can_be_trained"] != "yes"
    timed = rows("estimate", file, "--training-hours", 2, "--data-dir", answered.folder)
    assert {job["training_usd"] for job in timed["jobs"] if job["model"] == hourly["model"]} == {
        "200"
    }
    also = rows("estimate", file, "--workload", "classifier", "--data-dir", answered.folder)
    assert {row["workload"] for row in also["break_even"]} == {"classifier"}
    printed = ratecard("estimate", file, "--workload", "classifier", "--data-dir", answered.folder)
    assert "chat, 12 examples, 0 wrong lines" in printed.out


def test_too_few_examples_are_told_with_the_number(answered: First, tmp_path: Path) -> None:
    file = training_file(tmp_path, count=5)
    found = rows("estimate", file, "--provider", "openai", "--data-dir", answered.folder)
    assert {job["can_be_trained"] for job in found["jobs"] if "4.1-mini" in job["model"]} == {
        "needs at least 10 examples, the workload has 5"
    }


def test_validation_is_billed_where_the_seller_bills_it(answered: First, tmp_path: Path) -> None:
    file = training_file(tmp_path)

    def billed(*arguments: object) -> dict[str, int]:
        found = rows("estimate", file, *arguments, "--data-dir", answered.folder)
        return {
            job["provider"]: job["billed_tokens"]
            for job in found["jobs"]
            if job["billed_tokens"] and job["provider"] in {"openai", "together"}
        }

    without = billed()
    both = billed("--validation", file, "--evaluations", 4)
    assert both["openai"] == without["openai"]
    assert both["together"] > without["together"]


def test_wrong_lines_are_named_and_the_others_counted(answered: First, tmp_path: Path) -> None:
    file = training_file(tmp_path)
    wrong = '{"messages": [{"role": "user", "content": "\\u001b[31mno answer"}]}\n{"messages"'
    file.write_text(file.read_text("utf-8") + wrong, encoding="utf-8")
    ran = ratecard("estimate", file, "--data-dir", answered.folder)
    assert ran.code == 3
    assert "train.jsonl:13: " in ran.err
    assert "train.jsonl:14: " in ran.err
    assert "\x1b[31mno" not in ran.err
    assert "12 examples, 2 wrong lines" in ran.out
    found = rows("estimate", file, "--data-dir", answered.folder, code=3)
    assert [mistake["line"] for mistake in found["file"]["mistakes"]] == [13, 14]


@pytest.mark.parametrize("content", ["", "nothing\n", "{}\n", "\x00\n"])
def test_a_file_without_examples_is_no_training_file(
    answered: First, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "train.jsonl"
    file.write_text(content, encoding="utf-8")
    ran = ratecard("estimate", file, "--data-dir", answered.folder)
    assert ran.code == 1
    assert "train.jsonl" in ran.err


@pytest.mark.parametrize(
    ("option", "name"), [("--question", "workload:clasifier"), ("--constraints", "cheap")]
)
def test_the_cheapest_of_something_unknown_says_what_there_is(
    answered: First, option: str, name: str
) -> None:
    ran = ratecard("cheapest", option, name, "--data-dir", answered.folder)
    assert ran.code == 2
    assert f"nothing is the cheapest for {name}; there are" in ran.err
    found = rows("cheapest", "--question", "workload:classifier", "--data-dir", answered.folder)
    assert {row["question"] for row in found} == {"workload:classifier"}
