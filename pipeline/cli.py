"""The command `ratecard`: refresh the prices, and ask what they are, were, and why."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import polars as pl
import typer
from rich.table import Table

from pipeline.cli_alerts import app as alerts_app
from pipeline.cli_alerts import tell
from pipeline.cli_workloads import app as workloads_app
from pipeline.terminal import (
    AsJson,
    DataDir,
    Exit,
    Limit,
    Provider,
    Since,
    ask,
    cell,
    err,
    out,
    print_json,
    progress,
    setup_of,
    show,
    stop,
    store_of,
    text,
)
from warehouse import publication
from warehouse.captures import ArchiveError, Choice, Decision, Look
from warehouse.store import TABLES, Store, StoreError

if TYPE_CHECKING:
    from pipeline.configuration import Setup
    from pipeline.refresh import Refreshed


_Answer = TypeVar("_Answer")
app = typer.Typer(
    help="What it costs to fine-tune a language model and to run the result.",
    epilog="Exit codes: 0 fine, 1 failed, 2 wrongly called, 3 done only in part.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.registered_commands += workloads_app.registered_commands
app.add_typer(alerts_app, name="alerts")


@app.command(epilog="Example: ratecard refresh openai_pricing zhipu_pricing")
def refresh(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SOURCE]...", help="All sources where none is named."),
    ] = None,
    *,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 3 where a source or a channel failed.")
    ] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Look at the sources, build the tables, publish them, and say how every source is.

    Where ratecard.toml has channels, they are told what is new.
    """
    from pipeline.refresh import refresh as run  # noqa: PLC0415 a question needs none of it

    setup = setup_of(data_dir)
    for name in names or ():
        _demand_source(setup, name)
        if name not in setup.asked:
            stop(f"{name} is not asked: {_why_unasked(setup, name)}", Exit.MISUSED)
    chosen = list(dict.fromkeys(names or setup.asked))
    with progress(len(chosen) + len(TABLES) + 2, "refresh", is_shown=not as_json) as step:
        done = run(setup, chosen, step)
    _check(done)
    store = Store(setup.settings.data_dir)
    _show_health(store, as_json=as_json)
    told = tell(setup, store, is_quiet=as_json) if setup.channels else []
    waiting = store.ask("review", source=None, everything=False)
    waiting = waiting.filter(pl.col("state") == "waiting")
    if waiting.height and not as_json:
        sources = ", ".join(waiting["source"].unique(maintain_order=True))
        out.print(f"Waiting for a decision: {sources}; see `ratecard review`.", soft_wrap=True)
    is_untold = any(one.undelivered_count for one in told)
    if strict and (done.failed_sources or waiting.height or is_untold):
        raise typer.Exit(Exit.PARTLY)


@app.command(epilog="Example: ratecard backfill captures/")
def backfill(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, metavar="DIR")],
    *,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Load captures from DIR/<source>/<date or UTC timestamp>[.anything].<ext>, dated so.

    Files that are no captures are skipped, captures that cannot be believed are refused; both
    are listed, and the exit code is then 3.
    """
    from pipeline.looking import backfill as load  # noqa: PLC0415 as in refresh
    from pipeline.looking import find_captures  # noqa: PLC0415
    from pipeline.refresh import build  # noqa: PLC0415

    setup = setup_of(data_dir)
    found = find_captures(folder, setup.sources)
    steps = len(found.captures) + len(TABLES) + 2
    with progress(steps, "backfill", is_shown=not as_json) as step:
        outcomes = load(setup, found, lambda files: step(str(files[0].relative_to(folder))))
        done = build(setup, step)
    _check(done)
    rows = [
        {
            "file": str(file.relative_to(folder)),
            "outcome": "known already" if outcome.is_repeat else outcome.outcome,
            "quotes": outcome.quote_count,
            "terms": outcome.term_count,
            "new_facts": outcome.fact_count,
            "reason": outcome.error,
        }
        for files, outcome in outcomes
        for file in files
    ]
    rows += [
        {"file": str(path.relative_to(folder)), "outcome": "skipped", "reason": reason}
        for path, reason in found.skipped
    ]
    show(pl.DataFrame(rows, infer_schema_length=None), "Backfill", as_json=as_json)
    if any(row["outcome"] in {"skipped", "refused", "quarantined"} for row in rows):
        raise typer.Exit(Exit.PARTLY)


@app.command(epilog="Example: ratecard status --coverage")
def status(
    *,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="What is known instead: each seller's meters, terms.")
    ] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Show how every source is: when it was last looked at, and what is wrong with it."""
    if coverage:
        show(ask(data_dir, "coverage"), "Offers by what is known of them", as_json=as_json)
    else:
        _show_health(store_of(data_dir), as_json=as_json)


sources_app = typer.Typer(
    help="The sources that there are, and a look at one that stores nothing.",
    no_args_is_help=True,
)
app.add_typer(sources_app, name="sources")


@sources_app.command("list", epilog="Example: ratecard sources list --json")
def list_sources(*, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List the sources: built in, and described in ratecard.toml."""
    from pipeline.trying import listed  # noqa: PLC0415 as in refresh

    show(listed(setup_of(data_dir)), "Sources", as_json=as_json)


@sources_app.command("try", epilog="Example: ratecard sources try acme_prices --file page.html")
def try_source(
    name: Annotated[str, typer.Argument(metavar="SOURCE", help="The source that is tried.")],
    *,
    files: Annotated[
        list[Path] | None,
        typer.Option(
            "--file",
            exists=True,
            dir_okay=False,
            help="Read this instead of asking; several files are the documents of one look.",
        ),
    ] = None,
    limit: Limit = 100,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Show what a source would state now, what it leaves out, and what the gate would say.

    Nothing is stored. The exit code is 1 where nothing can be read, and 3 where something
    would wait for a decision.
    """
    from pipeline.trying import attempt  # noqa: PLC0415 as in refresh

    setup = setup_of(data_dir)
    _demand_source(setup, name)
    if not files and name not in setup.asked:
        hint = "read a saved page: --file PAGE"
        stop(f"{name} is not asked: {_why_unasked(setup, name)}; {hint}", Exit.MISUSED)
    tried = attempt(setup, name, files or ())
    if as_json:
        found = {part: frame.to_dicts() for part, frame in tried.frames.items()}
        print_json({"source": name, "outcome": tried.outcome, "reason": tried.reason} | found)
    else:
        for part, frame in tried.frames.items():
            told = frame.head(limit)
            told = told[[column.name for column in told if column.null_count() < told.height]]
            title = f"{name}: {part.replace('_', ' ')}, {frame.height}"
            show(told, title, as_json=False)
            if frame.height > limit:
                out.print(f"... and {frame.height - limit} more; --limit or --json shows them")
        out.print(text(f"{name}: {tried.outcome}; nothing was stored"), soft_wrap=True)
    if tried.reason:
        err.print(text(tried.reason), style="red", soft_wrap=True)
    if tried.outcome in {"unreachable", "refused"}:
        raise typer.Exit(Exit.FAILED)
    if tried.waits:
        raise typer.Exit(Exit.PARTLY)


@app.command(epilog="Example: ratecard compare --provider openai --all")
def compare(
    *,
    provider: Provider = None,
    model: Annotated[
        str | None, typer.Option(help="Only models whose name has this in it.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every service tier, region and model of a size bracket.")
    ] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Show what tuning and running each model costs at each seller, in USD per 1M tokens.

    A size bracket stands in one line; `--all` and `--model` show the models in it.
    """
    everything = everything or model is not None
    table = ask(
        data_dir,
        "compare" if everything or as_json else "compare_in_short",
        provider=provider,
        model=f"%{model or ''}%",
    )
    show(
        table,
        "What fine-tuning costs, in USD (tokens per 1M)",
        as_json=as_json,
        note="Where each number comes from: ratecard explain PROVIDER MODEL METER",
    )


@app.command(epilog="Example: ratecard cheapest --question tuned_inference --constraints listed")
def cheapest(
    *,
    question: Annotated[
        str | None,
        typer.Option(help="`training`, `paid_training`, `tuned_inference`, or `workload:NAME`."),
    ] = None,
    constraints: Annotated[
        str,
        typer.Option(
            help="`available`, `available_any_tier` (not the standard one alone), `listed` (on "
            "sale or not), or a set of your own."
        ),
    ] = "available",
    rank: Annotated[int, typer.Option(min=1, max=10, help="Down to which place.")] = 2,
    past: Annotated[
        bool,
        typer.Option("--history", help="Who was the cheapest when, and what ended it, instead."),
    ] = False,
    since: Since = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Show the cheapest offers for each question, ties included, and the runner-up with its gap."""
    if since and not past:
        stop("--since belongs to --history", Exit.MISUSED)
    asked = {"question": question, "constraint_set": constraints}
    _demand_asked(data_dir, **asked)
    if past:
        table = ask(data_dir, "winners", **asked, since=since)
        show(table, "Who was the cheapest, in USD per 1M tokens", as_json=as_json)
    else:
        table = ask(data_dir, "cheapest", **asked, rank=rank)
        show(
            table,
            "The cheapest options, in USD: per 1M tokens, or a workload until its horizon",
            as_json=as_json,
        )


def _demand_asked(data_dir: Path | None, **asked: str | None) -> None:
    """Demand that there are answers to a question, under a set of constraints."""
    for column, name in asked.items():
        if name is None:
            continue
        known = store_of(data_dir).query(
            f"select distinct {column} as name from cheapest_options order by name"  # noqa: S608 own
        )["name"]
        if name not in known:
            stop(f"nothing is the cheapest for {name}; there are {', '.join(known)}", Exit.MISUSED)


@app.command(epilog="Example: ratecard history gpt-4o-mini --provider openai")
def history(
    model: Annotated[str, typer.Argument(help="Part of the model's name, in any spelling.")],
    *,
    provider: Provider = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Show every price that a model had, from when to when, and who said so."""
    table = ask(data_dir, "history", model=f"%{model}%", provider=provider)
    show(table, "Prices", as_json=as_json)


BaseModels = Annotated[bool, typer.Option("--base-models", help="Base models' prices too.")]


@app.command(epilog="Example: ratecard changes --since 2026-01-01 --provider openai")
def changes(
    *,
    since: Since = None,
    provider: Provider = None,
    base_models: BaseModels = False,
    limit: Limit = 50,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Show what changed, when, and why, the newest first."""
    table = ask(
        data_dir, "changes", since=since, provider=provider, base_models=base_models, limit=limit
    )
    show(table, "Changes", as_json=as_json)


@app.command(epilog="Example: ratecard explain openai gpt-4o-mini training_tokens")
def explain(
    provider: Annotated[str, typer.Argument(help="The seller, as `openai`.")],
    model: Annotated[
        str, typer.Argument(help="The model, as the seller or the comparison names it.")
    ],
    meter: Annotated[str, typer.Argument(help="What is counted, as `training_tokens`.")],
    *,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Show the evidence of a number: what the page printed, where, when, and who read it."""
    table = ask(data_dir, "explain", provider=provider, model=model, meter=meter)
    if table.is_empty():
        stop(f"nobody states {meter} of {model} at {provider}; see `ratecard compare --all`")
    if as_json:
        show(table, "", as_json=True)
        return
    for row in table.iter_rows(named=True):
        card = Table(
            show_header=False, title=text(f"{row['provider']} {row['model']} {row['meter']}")
        )
        for name, value in row.items():
            if value is not None:
                card.add_row(name, text(cell(value)))
        out.print(card)


review_app = typer.Typer(
    help="What the gate held back or set aside, and what to do with it.",
    invoke_without_command=True,
    epilog="Example: ratecard review; ratecard review accept openai_pricing --why 'a real cut'",
)
app.add_typer(review_app, name="review")
Why = Annotated[str, typer.Option(help="What is remembered beside the decision.")]
Reviewed = Annotated[str, typer.Argument(metavar="SOURCE", help="Whose last capture is meant.")]


@review_app.callback()
def review(
    context: typer.Context,
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what was only flagged and is stored as printed.")
    ] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """List what waits for a decision, and what was decided.

    What waits is not believed: the last good prices stay, visibly stale.
    """
    if context.invoked_subcommand is None:
        table = ask(data_dir, "review", source=None, everything=everything)
        show(
            table,
            "Doubts",
            as_json=as_json,
            note="See the difference: ratecard review show SOURCE; then accept or reject it",
        )


@review_app.command("show", epilog="Example: ratecard review show openai_pricing")
def show_waiting(source: Reviewed, *, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Show in what a waiting capture differs from what is believed."""
    setup = setup_of(data_dir)
    store = Store(setup.settings.data_dir)
    look, _ = _doubted(store, source)
    difference = store.difference(look, setup.read)
    show(difference, f"{source}: what {look.looked_at} says otherwise", as_json=as_json)


@review_app.command(epilog="Example: ratecard review accept openai_pricing --why 'a real cut'")
def accept(
    source: Reviewed, *, why: Why, as_json: AsJson = False, data_dir: DataDir = None
) -> None:
    """Believe a waiting capture, and all in it that was doubted."""
    _decide(source, "accepted", why, as_json=as_json, data_dir=data_dir)


@review_app.command(epilog="Example: ratecard review reject openai_pricing --why 'a broken page'")
def reject(
    source: Reviewed, *, why: Why, as_json: AsJson = False, data_dir: DataDir = None
) -> None:
    """Never believe a waiting capture, nor another that says the same."""
    _decide(source, "rejected", why, as_json=as_json, data_dir=data_dir)


def _decide(source: str, verdict: str, why: str, *, as_json: bool, data_dir: Path | None) -> None:
    from pipeline.looking import utc_now  # noqa: PLC0415 as in refresh

    setup = setup_of(data_dir)
    store = Store(setup.settings.data_dir)
    look, fingerprints = _doubted(store, source)
    decision = Decision(source, look.capture_sha256 or "", verdict, why, utc_now(), fingerprints)
    _then_build(setup, source, lambda: store.decide(decision, setup.read), is_shown=not as_json)
    table = store.ask("review", source=source, everything=False)
    show(table, f"{source}: {verdict}", as_json=as_json)


def _doubted(store: Store, source: str) -> tuple[Look, tuple[str, ...]]:
    """Find the capture to decide on: one that waits, or else one that was decided already."""
    both = [*store.waiting(decided=True), *store.waiting()]
    found = {look.source: (look, fingerprints) for look, fingerprints in both}
    if source not in found:
        stop(f"nothing of {source} is doubted; see `ratecard review`")
    return found[source]


@app.command(epilog="""Example: ratecard sql "select * from market_summary" """)
def sql(
    query: Annotated[str, typer.Argument(help="A query on the published file.")],
    *,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Answer an SQL query; `show tables` lists what there is."""
    show(store_of(data_dir).query(query), "", as_json=as_json)


@app.command(epilog="Example: ratecard rebuild")
def rebuild(*, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Make the warehouse anew from the archive, with today's parsers."""
    setup = setup_of(data_dir)
    store = Store(setup.settings.data_dir)
    count = _then_build(setup, "log", lambda: store.rebuild(setup.read), is_shown=not as_json)
    show(pl.DataFrame({"looks": [count]}), "Rebuilt", as_json=as_json)


@app.command(epilog="Example: ratecard reparse zhipu_pricing --since 2026-01-01")
def reparse(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SOURCE]...", help="All that have captures where none is named."),
    ] = None,
    *,
    since: Since = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Read the archive again with today's parsers; what was misread becomes a correction.

    A correction is no change of price: `ratecard changes` has it under that cause.
    """
    from pipeline.looking import utc_now  # noqa: PLC0415 as in refresh

    setup = setup_of(data_dir)
    for name in names or []:
        _demand_source(setup, name)
    store = Store(setup.settings.data_dir)
    counts = _then_build(
        setup,
        "log",
        lambda: store.reparse(names or None, since, utc_now(), setup.read),
        is_shown=not as_json,
    )
    corrected = {"source": list(counts), "corrections": list(counts.values())}
    show(pl.DataFrame(corrected), "Read again", as_json=as_json)


@app.command(epilog="Example: ratecard disagreements --provider together")
def disagreements(
    *,
    provider: Provider = None,
    base_models: BaseModels = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """List where sources state different values for one fact, and what was decided."""
    table = ask(data_dir, "disagreements", provider=provider, base_models=base_models)
    show(
        table,
        "Where sources differ; the first is believed",
        as_json=as_json,
        note="Say which one holds: ratecard decide PROVIDER MODEL WHAT --source NAME --why TEXT",
    )


@app.command(
    epilog="Example: ratecard decide together 'up to 16B' training_tokens --source transcribed "
    "--why 'read on the page today'"
)
def decide(
    provider: Annotated[str, typer.Argument(help="The seller, as `openai`.")],
    model: Annotated[str, typer.Argument(help="The model, as a disagreement names it.")],
    what: Annotated[str, typer.Argument(help="The meter or the term, as `training_tokens`.")],
    *,
    source: Annotated[str, typer.Option(help="The source that holds.")],
    why: Why,
    method: Annotated[str | None, typer.Option(help="Only this tuning method.")] = None,
    adapter: Annotated[str | None, typer.Option(help="Only this adapter.")] = None,
    tier: Annotated[str | None, typer.Option(help="Only this service tier.")] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Say which of several sources holds for one fact; it stands until one says otherwise."""
    from pipeline.looking import utc_now  # noqa: PLC0415 as in refresh

    setup = setup_of(data_dir)
    store = Store(setup.settings.data_dir)
    narrowed = {"tuning_method": method, "adapter": adapter, "service_tier": tier}
    found = store.ask("disagreement", provider=provider, model=model, what=what, **narrowed)
    rows = found.rows(named=True)
    if len(rows) != 1:
        stop(
            f"{len(rows)} disagreements on {what} of {model} at {provider}; see `ratecard "
            "disagreements`, and name method, adapter and tier where there are several"
        )
    offer = rows[0]
    stated = offer.pop("inputs")
    if source not in {said.partition(": ")[0] for said in stated}:
        stop(f"{source} does not speak of it; there are {'; '.join(stated)}", Exit.MISUSED)
    choice = Choice(**offer, source=source, inputs=tuple(stated), reason=why, known_at=utc_now())
    _then_build(setup, source, lambda: store.decide(choice, setup.read), is_shown=not as_json)
    table = store.ask("disagreements", provider=provider, base_models=True)
    show(table, f"{source} holds", as_json=as_json)


@app.command(epilog="Example: ratecard export prices --format json")
def export(
    folder: Annotated[Path, typer.Argument(file_okay=False, metavar="DIR")],
    *,
    form: Annotated[
        Literal["parquet", "csv", "json"], typer.Option("--format", help="Of every table.")
    ] = "parquet",
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Write every published table into a folder, one file a table; JSON under DIR/v1."""
    files = store_of(data_dir).export(folder, form)
    rows = {"file": [str(file) for file in files], "bytes": [f.stat().st_size for f in files]}
    show(pl.DataFrame(rows), "Exported", as_json=as_json)


@app.command(epilog="Example: ratecard verify; ratecard verify /mnt/copy/published")
def verify(
    folder: Annotated[
        Path | None,
        typer.Argument(
            file_okay=False,
            exists=True,
            metavar="[DIR]",
            help="A publication that was kept or copied elsewhere; the last one if not given.",
        ),
    ] = None,
    *,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Check a publication against its manifest: files, hashes, row counts."""
    problems = publication.verify(folder) if folder else store_of(data_dir).verify()
    if problems or as_json:
        show(pl.DataFrame({"problem": problems}), "Problems", as_json=as_json)
    else:
        out.print("Nothing is wrong.")
    if problems:
        raise typer.Exit(Exit.FAILED)


@app.command(epilog="Example: ratecard digest")
def digest(*, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Print one hash of all that is believed now, whichever way it was learnt."""
    show(pl.DataFrame({"digest": [store_of(data_dir).digest()]}), "", as_json=as_json)


def main() -> None:
    """Run the command; a failure that has a reason prints it and exits with 1."""
    try:
        app()
    except (StoreError, ArchiveError) as error:
        err.print(text(str(error)), style="red", soft_wrap=True)
        sys.exit(Exit.FAILED)


def _demand_source(setup: "Setup", name: str) -> None:
    if name not in setup.sources:
        stop(f"no such source: {name}; there are {', '.join(setup.sources)}", Exit.MISUSED)


def _why_unasked(setup: "Setup", name: str) -> str:
    return f"{setup.sources[name].unasked}; load what you saved with `ratecard backfill`"


def _then_build(
    setup: "Setup", name: str, act: Callable[[], _Answer], *, is_shown: bool
) -> _Answer:
    """Do what changes the log, then build the tables from it and publish them."""
    from pipeline.refresh import build  # noqa: PLC0415 as in refresh

    with progress(len(TABLES) + 3, name, is_shown=is_shown) as step:
        answer = act()
        step(name)
        done = build(setup, step)
    _check(done)
    return answer


def _check(done: "Refreshed") -> None:
    if not done.is_published:
        reasons = "".join(f"\n{reason}" for reason in done.failed_tables.values() if reason)
        stop(
            f"not built: {', '.join(done.failed_tables)}; the last good tables stay published"
            + reasons
        )


def _show_health(store: Store, *, as_json: bool) -> None:
    health = store.ask("health")
    show(health, "Sources", as_json=as_json)
    silent = health.filter(pl.col("state") == "unreachable")["source"].to_list()
    if silent and not as_json:
        out.print(
            f"{len(silent)} sources could not be reached ({', '.join(silent)}); "
            "what they said before stands, and the transcribed list answers for the rest.",
            soft_wrap=True,
        )
