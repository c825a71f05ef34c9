"""Evaluating alert rules: `python benchmarks/alerts.py [--rules 1000] [--changes 100000]`.

Rules on changes, over a made-up year of them, against a plain scan of the same table; both ask a
published file, each several times in turn, for what the last week brought.
"""

import argparse
import statistics
import sys
import time
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import duckdb

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

HISTORY = """
create table price_changes as
with steps as (
    select
        i // $steps as fact,
        i % $steps as step,
        round(1 + 9 * random(), 2)::decimal(38, 18) as new_unit_price
    from range($changes) as t (i)
)
select
    'seller' || fact % 16 as provider,
    'model-' || fact // 8 as model,
    'model-' || fact // 8 as base_model,
    case when fact % 4 = 0 then 'sft' else 'none' end as tuning_method,
    case when fact % 4 = 0 then 'lora' end as adapter,
    case when fact % 5 = 0 then 'batch' else 'standard' end as service_tier,
    null::varchar as region,
    null::varchar as context_tier,
    md5(fact || '.' || step) as change_id,
    'price_change' as cause,
    (['training_tokens', 'input_tokens', 'output_tokens', 'hosting_hours'])[fact % 4 + 1] as meter,
    null::varchar as price_list,
    null::varchar as term,
    'page' || fact % 16 as source,
    'priced' as old_availability,
    'priced' as new_availability,
    coalesce(lag(new_unit_price) over (partition by fact order by step), 5) as old_unit_price,
    new_unit_price,
    'USD' as old_pricing_currency,
    'USD' as pricing_currency,
    old_unit_price || ' per 1M tokens' as old_value,
    new_unit_price || ' per 1M tokens' as new_value,
    round(100 * (new_unit_price::double / old_unit_price::double - 1), 2) as change_pct,
    -- spread over a year, in their order
    timestamp '2026-01-02' + ((step * 364 + fact % 364) // $steps) * interval 1 day as valid_from,
    valid_from - interval 1 day as last_seen_before_at,
    valid_from as known_at,
    md5(source || valid_from) as capture_sha256,
    'https://example.org' as url,
    new_unit_price || ' USD' as printed_text,
    null::varchar as remark
from steps;
create table price_history as select provider, model, tuning_method from price_changes limit 0;
create table looks as
select
    'page' || page as source,
    timestamp '2026-01-01' + day * interval 1 day as looked_at,
    looked_at as known_at,
    'read' as outcome,
    md5(source || looked_at) as capture_sha256
from range(16) as p (page), range(366) as d (day);
create table captures as select source, capture_sha256, looked_at as captured_at from looks;
create table offer_models as
select distinct provider, model, model as canonical_model from price_changes;
create table build_info as select timestamp '2027-01-01' as built_at;
"""
SCAN = "select count(*), sum(change_pct), max(hash(p)) from price_changes as p"


def main() -> None:
    """Print how long the rules take, and how many times a plain scan that is."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rules", type=int, default=1000)
    options.add_argument("--changes", type=int, default=100_000)
    options.add_argument("--steps", type=int, default=10, help="the changes of one fact")
    options.add_argument("--times", type=int, default=3)
    chosen = options.parse_args()
    from pipeline.alerts import Alerts, fired, rule_frame
    from warehouse.store import Store, create_macros

    rules = rule_frame(Alerts.model_validate({"changes": some_rules(chosen.rules)}))
    with TemporaryDirectory() as folder:
        store = Store(Path(folder))
        store.published.parent.mkdir(parents=True)
        with duckdb.connect(store.published) as db:
            db.execute("select setseed(0.5)")
            for statement in HISTORY.split(";")[:-1]:
                sizes = {"steps": chosen.steps, "changes": chosen.changes}
                named = {name: size for name, size in sizes.items() if f"${name}" in statement}
                db.execute(statement, named)
            create_macros(db, ["news"])
        ours, theirs, count = [], [], 0
        for _ in range(chosen.times):
            start = time.perf_counter()
            store.query(SCAN)
            theirs.append(time.perf_counter() - start)
            start = time.perf_counter()
            week = datetime(2026, 12, 25)  # noqa: DTZ001 UTC without an offset, as everywhere
            count = fired(store, rules, week, mode="check").height
            ours.append(time.perf_counter() - start)
    mine, other = statistics.median(ours), statistics.median(theirs)
    print(
        f"{chosen.rules:,} rules over {chosen.changes:,} changes, {chosen.steps} of each fact: "
        f"{mine:.2f} s (at most 2 is meant), {mine / other:.0f} times a plain scan; "
        f"{count:,} events",
        flush=True,
    )


def some_rules(count: int) -> dict[str, dict[str, object]]:
    """Give rules as people write them: some of one seller, some of a few models, some of all."""
    chance = Random(7)  # noqa: S311 the same rules every time
    measures: list[dict[str, object]] = [
        {},
        {"percent": 5},
        {"percent": 20},
        {"direction": "down"},
        {"direction": "up", "percent": 10},
        {"amount": Decimal(1)},
    ]
    about: list[dict[str, object]] = [
        {"meters": ["training_tokens"]},
        {"methods": ["sft"], "tiers": ["standard"]},
        {},
    ]
    rules = {}
    for number in range(count):
        rule = {**chance.choice(measures), **chance.choice(about)}
        if number % 100:
            rule["providers"] = [f"seller{chance.randrange(16)}"]
        if number % 10:
            rule["models"] = [f"model-{chance.randrange(125)}*"]
        rules[f"rule_{number}"] = rule
    return rules


if __name__ == "__main__":
    main()
