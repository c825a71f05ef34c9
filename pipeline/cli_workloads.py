"""The commands about workloads: what one costs, and whether tuning pays back."""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, NoReturn

import polars as pl
import typer

from pipeline.crossings import crossings
from pipeline.terminal import (
    AsJson,
    DataDir,
    Exit,
    Limit,
    Provider,
    ask,
    err,
    out,
    print_json,
    reading,
    setup_of,
    show,
    stop,
    text,
)
from pipeline.training_file import (
    TOKENIZERS,
    TrainingFile,
    TrainingFileError,
    count_of,
    read_training_file,
)
from pipeline.workloads import (
    Counted,
    Workload,
    WorkloadError,
    altered,
    counted,
    grain,
    token_frame,
    tokens_of,
    trained_on,
    workload_frame,
)
from warehouse.store import About

app = typer.Typer()
_USUAL: Final = "support_assistant"
AsOf = Annotated[
    datetime | None,
    typer.Option("--as-of", metavar="DATE", formats=["%Y-%m-%d"], help="As prices were that day."),
]
Named = Annotated[
    str | None,
    typer.Argument(metavar="[WORKLOAD]", help="The workload, as `ratecard workloads` lists it."),
]
Comparator = Annotated[
    Literal["base_model", "alternative"],
    typer.Option(help="Against the base model, or the cheapest alternative."),
]
Verdict = Literal["pays_back", "too_late", "never", "not_available", "unknown"]


@app.command(epilog="Example: ratecard workloads --json")
def workloads(*, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List the workloads: the reference ones, and those in ratecard.toml."""
    show(workload_frame(_counted(data_dir).workloads), "Workloads", as_json=as_json)


@app.command(
    "break-even",
    epilog="Example: ratecard break-even --requests 50000 --prompt-before 2000 --prompt-after 300",
)
def break_even(
    workload: Named = None,
    *,
    training_tokens: Annotated[int | None, typer.Option(help="In the file, once through.")] = None,
    examples: Annotated[int | None, typer.Option(help="In the training file.")] = None,
    epochs: Annotated[int | None, typer.Option(help="How often it is gone through.")] = None,
    validation_tokens: Annotated[int | None, typer.Option(help="Once through.")] = None,
    evaluations: Annotated[int | None, typer.Option(help="How often they are run.")] = None,
    is_packed: Annotated[
        bool | None,
        typer.Option("--packed/--padded", help="Whether short examples share a sequence."),
    ] = None,
    max_sequence_tokens: Annotated[
        int | None, typer.Option(help="What each example is padded to.")
    ] = None,
    training_hours: Annotated[
        float | None, typer.Option(help="For sellers who bill hours.")
    ] = None,
    requests: Annotated[int | None, typer.Option(help="A month.")] = None,
    prompt_before: Annotated[int | None, typer.Option(help="Tokens without tuning.")] = None,
    prompt_after: Annotated[int | None, typer.Option(help="Tokens with tuning.")] = None,
    completion_tokens: Annotated[int | None, typer.Option(help="Of an answer.")] = None,
    answers: Annotated[
        Literal["text", "labels"] | None, typer.Option(help="Text, or labels of a few classes.")
    ] = None,
    cached_share: Annotated[
        float | None, typer.Option(help="Of the prompt from a cache, 0 to 1.")
    ] = None,
    cached_share_after: Annotated[
        float | None, typer.Option(help="The same with tuning, if it differs.")
    ] = None,
    batch_share: Annotated[
        float | None, typer.Option(help="Of the requests that can wait, 0 to 1.")
    ] = None,
    hosting_hours_a_day: Annotated[float | None, typer.Option(help="Deployed.")] = None,
    retrain_every_months: Annotated[int | None, typer.Option(help="Never if not given.")] = None,
    horizon_months: Annotated[int | None, typer.Option(help="To pay back in.")] = None,
    alternative: Annotated[
        list[str] | None, typer.Option(help="A model that would do, prompted; repeat for more.")
    ] = None,
    as_of: AsOf = None,
    vary: Annotated[
        str | None,
        typer.Option(metavar="NAME=FROM..TO", help="Where verdicts and the cheapest change."),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Every line of the bills, with its evidence.")
    ] = False,
    provider: Provider = None,
    model: Annotated[
        str | None, typer.Option(help="Only models whose name has this in it.")
    ] = None,
    verdict: Annotated[Verdict | None, typer.Option(help="Only this verdict.")] = None,
    comparator: Comparator = "base_model",
    everything: Annotated[
        bool, typer.Option("--all", help="Every region, service tier and model of a bracket.")
    ] = False,
    limit: Limit = 40,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Show whether tuning pays back against prompting, for one workload.

    What is given here replaces what the workload says, which is support_assistant if none is
    named. Nothing is stored.
    """
    given = {
        "training_tokens": training_tokens, "examples": examples, "epochs": epochs,
        "validation_tokens": validation_tokens, "evaluations": evaluations,
        "is_packed": is_packed, "max_sequence_tokens": max_sequence_tokens,
        "training_hours": training_hours, "requests": requests,
        "prompt_before": prompt_before, "prompt_after": prompt_after,
        "completion_tokens": completion_tokens, "answers": answers,
        "cached_share": cached_share, "cached_share_after": cached_share_after,
        "batch_share": batch_share, "hosting_hours_a_day": hosting_hours_a_day,
        "retrain_every_months": retrain_every_months, "horizon_months": horizon_months,
        "alternatives": alternative,
    }  # fmt: skip
    changes = {name: value for name, value in given.items() if value is not None}
    name = _name(workload)
    held = _counted(data_dir, name)
    job = _changed(held.workloads[name], changes)
    # what was counted in its file holds until the tokens are given
    of_file = held.workload_tokens.filter("training_tokens" not in changes)
    _demand_known(job, provider, data_dir)
    filters = {
        "provider": provider,
        "model": f"%{model}%" if model else None,
        "verdict": verdict,
        "comparator": "alternative" if alternative else comparator,
        "everything": everything or as_json,
    }
    if vary is not None:
        span = _range(vary)
        table = _crossings(job, span, as_of, filters, data_dir)
        title = f"Where {span.name} from {span.low} to {span.high} changes what comes out"
        _show_first(table, limit, title, as_json=as_json)
        return
    about = About(as_of, Counted({name: job}, of_file).tables)
    found = ask(data_dir, "break_even", about, workload=None, **filters)
    if found.is_empty() and model is not None:
        _stop_unknown("model", model, data_dir)
    if explain:
        _explain(found, about, filters, as_json=as_json, data_dir=data_dir)
        return
    _show_first(
        found if as_json else found.drop("workload"),
        limit,
        f"{name}: {job.requests} requests a month, "
        f"{job.prompt_before} tokens a prompt, {job.prompt_after} after tuning",
        as_json=as_json,
        note="Where each number comes from: add --explain with --provider and --model",
    )


@app.command(epilog="Example: ratecard estimate train.jsonl --epochs 3 --workload classifier")
def estimate(
    file: Annotated[
        Path, typer.Argument(metavar="DATA.jsonl", exists=True, dir_okay=False, help="To train on.")
    ],
    *,
    epochs: Annotated[
        int | None, typer.Option(help="How often it is gone through; 3, or as the workload says.")
    ] = None,
    validation: Annotated[
        Path | None,
        typer.Option(metavar="FILE", exists=True, dir_okay=False, help="To validate on."),
    ] = None,
    evaluations: Annotated[int, typer.Option(help="How often it is validated.")] = 1,
    training_hours: Annotated[
        float | None, typer.Option(help="For sellers who bill hours.")
    ] = None,
    workload: Annotated[
        str | None, typer.Option(help="Also whether it pays back for this workload.")
    ] = None,
    as_of: AsOf = None,
    provider: Provider = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every region, service tier and model of a bracket.")
    ] = False,
    limit: Limit = 40,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Check a training file line by line, and show what the job costs at every seller.

    Chats, preferences, prompt and completion, ShareGPT and plain text, as JSON lines, may be
    compressed. The exit code is 3 where a line is wrong; the others are counted all the same.
    """
    held = _read(file, is_shown=not as_json)
    _tell(file, held, as_json=as_json)
    if not held.example_count:
        stop(f"{file}: no line of it is an example")
    # of a workload that is named counts what is not given here, but for its own files
    changes: dict[str, object] = {"validation_tokens": 0, "evaluations": evaluations}
    if validation is not None:
        changes["validation_tokens"] = count_of(_read(validation, is_shown=not as_json), None)[0]
    if training_hours is not None:
        changes["training_hours"] = training_hours
    if epochs is not None or workload is None:
        changes["epochs"] = 3 if epochs is None else epochs
    name = _name(workload)
    job = _changed(_known(setup_of(data_dir).workloads, name), changes)
    _demand_known(job, provider, data_dir)
    asked = Counted({name: trained_on(job, held)}, token_frame(tokens_of(name, held)))
    about = About(as_of, asked.tables)
    filters = {"provider": provider, "everything": everything or as_json}
    bills = ask(data_dir, "estimate", about, **filters)
    counts = pl.DataFrame({
        "tokenizer": [None, *held.tokens],
        "tokens_error_pct": [round(count_of(held, known)[1], 1) for known in (None, *held.tokens)],
    }, schema_overrides={"tokenizer": pl.String()})  # fmt: skip
    bills = bills.join(counts, on="tokenizer", how="left", nulls_equal=True, maintain_order="left")
    verdicts = None
    if workload is not None:
        verdicts = ask(
            data_dir, "break_even", about, workload=None, model=None, verdict=None,
            comparator="base_model", **filters,
        )  # fmt: skip
    if as_json:
        print_json({
            "file": _summary(file, held),
            "jobs": bills.to_dicts(),
            "break_even": [] if verdicts is None else verdicts.fill_nan(None).to_dicts(),
        })  # fmt: skip
    else:
        _show_first(
            bills,
            limit,
            f"Training on it, {job.epochs} times through",
            as_json=False,
            note="Tokens are the model's own where its tokenizer is known, and within "
            "tokens_error_pct otherwise",
        )
        if verdicts is not None:
            _show_first(verdicts.drop("workload"), limit, name, as_json=False)
    if held.mistake_count:
        raise typer.Exit(Exit.PARTLY)


def _read(file: Path, *, is_shown: bool) -> TrainingFile:
    """Read a training file, and show how far it is."""
    with reading(file.stat().st_size, file.name, is_shown=is_shown) as on_bytes:
        try:
            return read_training_file(file, tokenizers=TOKENIZERS, on_bytes=on_bytes)
        except TrainingFileError as error:
            stop(str(error))


def _summary(file: Path, held: TrainingFile) -> dict[str, object]:
    return {
        "file": str(file),
        **{name: getattr(held, name) for name in (
            "format", "line_count", "example_count", "duplicate_count", "mistake_count",
            "characters", "tokens", "trained_tokens", "longest_tokens", "warnings",
        )},
        "mistakes": [mistake._asdict() for mistake in held.mistakes],
    }  # fmt: skip


def _tell(file: Path, held: TrainingFile, *, as_json: bool) -> None:
    """Say what the file holds and what is wrong with it."""
    for mistake in held.mistakes:
        err.print(text(f"{file}:{mistake.line}: {mistake.why}"), style="red", soft_wrap=True)
    if more := held.mistake_count - len(held.mistakes):
        err.print(f"... and {more} more wrong lines", style="red")
    if as_json:
        return
    for warning in held.warnings:
        err.print(text(warning), style="yellow", soft_wrap=True)
    copies = f", {held.duplicate_count} of them repeated" if held.duplicate_count else ""
    counts = ", ".join(f"{known} {count}" for known, count in sorted(held.tokens.items()))
    out.print(
        text(
            f"{file}: {held.format}, {held.example_count} examples{copies}, "
            f"{held.mistake_count} wrong lines; the longest has {held.longest_tokens} tokens\n"
            f"Tokens by tokenizer: {counts}"
        ),
        soft_wrap=True,
    )


@app.command(epilog="Example: ratecard claims --as-of 2026-06-01")
def claims(
    workload: Named = None,
    *,
    provider: Provider = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Test what is claimed of tuning: that it pays back within a month above 10,000 requests."""
    table = ask(data_dir, "claims", About(as_of), workload=workload, provider=provider)
    show(
        table,
        "Offers for which tuning pays back within the first month at 10,000 requests a month",
        as_json=as_json,
        note="Offer by offer, and what it takes: ratecard sql 'from claims'",
    )


def _show_first(
    table: pl.DataFrame, limit: int, title: str, *, as_json: bool, note: str | None = None
) -> None:
    show(table if as_json else table.head(limit), title, as_json=as_json, note=note)
    if table.height > limit and not as_json:
        out.print(f"... and {table.height - limit} more; --limit or --json shows them")


def _name(workload: str | None) -> str:
    return workload or _USUAL


def _counted(data_dir: Path | None, name: str | None = None) -> Counted:
    """Count the file of one workload, or of all; a file can take minutes."""
    setup = setup_of(data_dir)
    try:
        return setup.counted if name is None else counted({name: _known(setup.workloads, name)})
    except WorkloadError as error:
        stop(f"{setup.settings.config}: {error}", Exit.MISUSED)


def _known(workloads: Mapping[str, Workload], name: str) -> Workload:
    if name not in workloads:
        near = get_close_matches(name, workloads, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(workloads)}"
        stop(f"no such workload: {name}; {hint}", Exit.MISUSED)
    return workloads[name]


def _changed(workload: Workload, changes: Mapping[str, Any]) -> Workload:
    try:
        return altered(workload, changes)
    except WorkloadError as error:
        stop(str(error), Exit.MISUSED)


def _demand_known(asked: Workload, provider: str | None, data_dir: Path | None) -> None:
    """Demand that a seller and the alternatives are known by these names."""
    if provider is None and not asked.alternatives:
        return
    names = _known_names(data_dir)
    if provider is not None and provider not in names["provider"]:
        _stop_unknown("provider", provider, data_dir)
    for model in asked.alternatives:
        if re.sub(r"[\s_]+", "-", model.lower()) not in names["alternative"]:
            _stop_unknown("alternative", model, data_dir)


def _known_names(data_dir: Path | None) -> Mapping[str, list[str]]:
    rows = ask(data_dir, "known_names").drop_nulls().rows()
    kinds: dict[str, list[str]] = {"provider": [], "model": [], "alternative": []}
    for kind, name in rows:
        kinds[kind].append(name)
    return kinds


def _stop_unknown(kind: str, name: str, data_dir: Path | None) -> NoReturn:
    known = _known_names(data_dir)[kind]
    near = get_close_matches(name.lower(), [n.lower() for n in known], n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "see `ratecard compare --all`"
    stop(f"no {kind} is called {name}; {hint}", Exit.MISUSED)


def _explain(
    found: pl.DataFrame, about: About, filters: Mapping[str, object], *, as_json: bool,
    data_dir: Path | None,
) -> None:  # fmt: skip
    if filters["provider"] is None or filters["model"] is None:
        stop("--explain wants one offer: name it with --provider and --model", Exit.MISUSED)
    lines = ask(data_dir, "bill", about, **filters)
    if as_json:
        show(lines, "", as_json=True)
        return
    for reason in found.select("model", "method", "verdict", "reason").iter_rows():
        out.print(text(" ".join(filter(None, reason[:2])) + f": {reason[2]}: {reason[3]}"))
    shown = lines.drop("locator", "capture_sha256", "provider", "priced_model")
    show(shown, "The bills, line by line", as_json=False)


class _Span(NamedTuple):
    """A number of a workload from one value to another, in steps of its grain."""

    name: str
    low: Decimal
    high: Decimal
    grain: Decimal


def _range(vary: str) -> _Span:
    """Read `requests=1000..1000000`: a number of the workload, from and to, both included."""
    met = re.fullmatch(r"\s*(\w[\w-]*)\s*=\s*([\d.]*\d)\s*\.\.\s*([\d.]*\d)\s*", vary)
    name = met[1].replace("-", "_") if met else ""
    step = grain(name)
    if met is None or step is None:
        stop(f"--vary {vary}: write it as requests=1000..1000000; what can vary is a number of "
             "the workload", Exit.MISUSED)  # fmt: skip
    try:
        low, high = Decimal(met[2]), Decimal(met[3])
    except InvalidOperation:
        stop(f"--vary {vary}: {met[2]} or {met[3]} is no number", Exit.MISUSED)
    if low >= high:
        stop(f"--vary {vary}: {low} is not below {high}; write the lower one first", Exit.MISUSED)
    return _Span(name, low, high, step)


def _crossings(
    asked: Workload, span: _Span, at: datetime | None, filters: Mapping[str, object],
    data_dir: Path | None,
) -> pl.DataFrame:  # fmt: skip
    def outcomes(steps: list[int]) -> pl.DataFrame:
        asked_about = {str(n): _changed(asked, {span.name: n * span.grain}) for n in steps}
        about = About(at, {"workloads": workload_frame(asked_about)})
        found = ask(data_dir, "crossings", about, **filters)
        return found.select(pl.col("workload").cast(pl.Int64).alias("number"), "subject", "outcome")

    found = crossings(int(span.low / span.grain), int(span.high / span.grain), outcomes)
    number = pl.col("number").cast(pl.Decimal(20, 0)) * span.grain
    return found.select(number.alias(span.name), "subject", "before", "after")
