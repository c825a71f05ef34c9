"""What users ask about: jobs to be priced, and under which conditions offers compete."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, Self

import polars as pl
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    ValidationError,
    model_validator,
)

from pipeline.training_file import (
    TOKENIZERS,
    TrainingFile,
    TrainingFileError,
    count_of,
    read_training_file,
)

_REFERENCE: Final = Path(__file__).with_name("workloads.toml")
_MOST_TOKENS: Final = 10**12
Share = Annotated[Decimal, Field(ge=0, le=1, decimal_places=4)]


class Workload(BaseModel):
    """A job: what is trained once, and what the result is asked every month."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: str = Field(default="", max_length=200, description="the job in words")
    data: Path | None = Field(
        default=None,
        description="the training file, to be counted: instead of training_tokens and examples",
    )
    training_tokens: PositiveInt | None = Field(
        default=None, le=_MOST_TOKENS, description="the tokens of the training file, once through"
    )
    examples: PositiveInt | None = Field(
        default=None, le=_MOST_TOKENS, description="how many examples the training file has"
    )
    epochs: PositiveInt = Field(
        default=3, le=1000, description="how often the file is gone through"
    )
    validation_tokens: NonNegativeInt = Field(
        default=0, le=_MOST_TOKENS, description="the tokens of the validation file, once through"
    )
    evaluations: PositiveInt = Field(
        default=1, le=10_000, description="how often the validation file is gone through"
    )
    is_packed: bool = Field(
        default=True, description="whether several short examples share one sequence"
    )
    max_sequence_tokens: PositiveInt | None = Field(
        default=None,
        le=10**7,
        description="the length that each example is padded to where they are not packed",
    )
    training_hours: Decimal | None = Field(
        default=None,
        gt=0,
        le=100_000,
        decimal_places=2,
        description="the hours that training takes, for sellers who bill those",
    )
    requests: PositiveInt = Field(le=10**9, description="the requests of a month")
    prompt_before: PositiveInt = Field(
        le=10**7, description="the tokens of a prompt without tuning"
    )
    prompt_after: PositiveInt = Field(
        le=10**7, description="the tokens of a prompt to the tuned model"
    )
    completion_tokens: PositiveInt = Field(
        le=10**7, description="the tokens of an answer, tuned or not"
    )
    answers: Literal["text", "labels"] = Field(
        default="text", description="what it has to answer: text, or labels of a few classes"
    )
    cached_share: Share = Field(
        default=Decimal(0), description="the share of the prompt that a cache serves, 0 to 1"
    )
    cached_share_after: Share | None = Field(
        default=None, description="the same of the prompt to the tuned model, if it differs"
    )
    batch_share: Share = Field(
        default=Decimal(0),
        description="the share of the requests that can wait for a batch, 0 to 1",
    )
    hosting_hours_a_day: Decimal = Field(
        default=Decimal(24),
        gt=0,
        le=24,
        decimal_places=2,
        description="the hours a day that the tuned model is deployed, busy or idle",
    )
    retrain_every_months: PositiveInt | None = Field(
        default=None, le=120, description="after how many months the model is trained anew"
    )
    horizon_months: PositiveInt = Field(
        default=12, le=120, description="the months within which it must pay back"
    )
    alternatives: tuple[str, ...] = Field(
        default=(),
        max_length=20,
        description="other models that would do if prompted as before; the cheapest is compared",
    )

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        if self.prompt_after > self.prompt_before:
            raise ValueError(
                f"prompt_after: {self.prompt_after} tokens are more than the "
                f"{self.prompt_before} of prompt_before; tuning is to make the prompt shorter"
            )
        if (self.data is None) == (self.training_tokens is None or self.examples is None):
            raise ValueError(
                "training_tokens: give training_tokens and examples, or a file as data"
            )
        if (self.training_tokens or 0) < (self.examples or 0):
            raise ValueError(
                f"examples: {self.examples} examples in {self.training_tokens} training_tokens "
                "leave less than one token each; mend one of the two"
            )
        return self


class Constraints(BaseModel):
    """Under which conditions offers compete to be the cheapest; what is left out allows all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    is_on_sale: bool = Field(
        default=True,
        description="only what can be bought today, and serves for the workload's whole horizon",
    )
    is_standard_tier: bool = Field(default=True, description="only the standard service tier")
    hosting: Literal["managed", "self_hosted"] | None = Field(
        default=None, description="who must be able to run the result: managed or self_hosted"
    )
    weights_exportable: Literal["yes"] | None = Field(
        default=None, description='"yes" where the tuned weights must be yours to take'
    )
    providers: tuple[str, ...] | None = Field(
        default=None, min_length=1, description="the sellers that are allowed"
    )
    regions: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="the regions that are allowed; a seller that names none promises none",
    )
    max_upfront_usd: Decimal | None = Field(
        default=None,
        ge=0,
        le=10**9,
        decimal_places=2,
        description="the most that the training may cost, in questions about a workload",
    )
    available_until: date | None = Field(
        default=None, description="the day that the tuned model must outlive"
    )


# `listed` is what it costs, on sale or not.
USUAL_CONSTRAINTS: Final[Mapping[str, Constraints]] = {
    "available": Constraints(),
    "available_any_tier": Constraints(is_standard_tier=False),
    "listed": Constraints(is_on_sale=False),
}


_COUNT: Final = pl.Int64()
_SHARE: Final = pl.Decimal(5, 4)
_WORKLOAD_TYPES: Final[Mapping[str, pl.DataType]] = {
    "description": pl.String(),
    "training_tokens": _COUNT,
    "examples": _COUNT,
    "epochs": _COUNT,
    "validation_tokens": _COUNT,
    "evaluations": _COUNT,
    "is_packed": pl.Boolean(),
    "max_sequence_tokens": _COUNT,
    "training_hours": pl.Decimal(10, 2),
    "requests": _COUNT,
    "prompt_before": _COUNT,
    "prompt_after": _COUNT,
    "completion_tokens": _COUNT,
    "answers": pl.String(),
    "cached_share": _SHARE,
    "cached_share_after": _SHARE,
    "batch_share": _SHARE,
    "hosting_hours_a_day": pl.Decimal(4, 2),
    "retrain_every_months": _COUNT,
    "horizon_months": _COUNT,
    "alternatives": pl.List(pl.String()),
}
_CONSTRAINT_TYPES: Final[Mapping[str, pl.DataType]] = {
    "is_on_sale": pl.Boolean(),
    "is_standard_tier": pl.Boolean(),
    "hosting": pl.String(),
    "weights_exportable": pl.String(),
    "providers": pl.List(pl.String()),
    "regions": pl.List(pl.String()),
    "max_upfront_usd": pl.Decimal(20, 2),
    "available_until": pl.Date(),
}


def reference_workloads() -> dict[str, Workload]:
    """Give the workloads that come with ratecard, by name."""
    written = tomllib.loads(_REFERENCE.read_text(encoding="utf-8"))
    return {name: Workload(**said) for name, said in written["workloads"].items()}


def own(workloads: Mapping[str, Workload], most: int = 3) -> list[str]:
    """Name those that the user wrote; where there are none, some that come with ratecard."""
    reference = reference_workloads()
    theirs = [name for name, workload in workloads.items() if reference.get(name) != workload]
    return theirs or list(workloads)[:most]


class WorkloadError(ValueError):
    """A workload says something that cannot be; the message says what, and what may be."""


class Counted(NamedTuple):
    """Workloads whose files are counted, and how many tokens each file has by which tokenizer."""

    workloads: Mapping[str, Workload]
    workload_tokens: pl.DataFrame

    @property
    def tables(self) -> dict[str, pl.DataFrame]:
        """Give the warehouse's tables of workloads, by name."""
        return {
            "workloads": workload_frame(self.workloads),
            "workload_tokens": self.workload_tokens,
        }


def counted(workloads: Mapping[str, Workload]) -> Counted:
    """Count the files that workloads name; `WorkloadError` where one cannot be read whole."""
    done = dict(workloads)
    rows = []
    for name, workload in workloads.items():
        if workload.data is None:
            continue
        try:
            held = read_training_file(workload.data, tokenizers=TOKENIZERS)
        except (OSError, TrainingFileError) as error:
            raise WorkloadError(f"{name}.data: {workload.data}: {error}") from error
        if held.mistakes:
            raise WorkloadError(
                f"{name}.data: {workload.data} has {held.mistake_count} wrong lines, the first is "
                f"line {held.mistakes[0].line}; see `ratecard estimate {workload.data}`"
            )
        done[name] = trained_on(workload, held)
        rows += tokens_of(name, held)
    return Counted(done, token_frame(rows))


def trained_on(workload: Workload, held: TrainingFile) -> Workload:
    """Give a workload with the examples of a file, and its tokens as OpenAI's models count them."""
    tokens, _ = count_of(held, None)
    return altered(
        workload, {"data": None, "training_tokens": tokens, "examples": held.example_count}
    )


def tokens_of(workload: str, held: TrainingFile) -> list[tuple[str, str, int]]:
    """Give the rows that a workload's file has in the warehouse's table `workload_tokens`."""
    return [(workload, name, count_of(held, name)[0]) for name in sorted(held.tokens)]


def token_frame(rows: Sequence[tuple[str, str, int]]) -> pl.DataFrame:
    """Give the warehouse's table `workload_tokens`."""
    schema = {"workload": pl.String(), "tokenizer": pl.String(), "training_tokens": pl.Int64()}
    return pl.DataFrame(rows, schema=schema, orient="row")


def altered(workload: Workload, changes: Mapping[str, Any]) -> Workload:
    """Give a workload with some of its words changed; `WorkloadError` tells every mistake."""
    try:
        return Workload(**{**workload.model_dump(), **changes})
    except ValidationError as error:
        raise WorkloadError("\n".join(_mistakes(error))) from error


def _mistakes(error: ValidationError) -> Iterator[str]:
    for found in error.errors(include_url=False, include_context=False):
        if not found["loc"]:
            # the two that contradict each other are in the message
            yield found["msg"].removeprefix("Value error, ")
            continue
        name = str(found["loc"][0])
        says = Workload.model_fields[name].description
        yield f"{name}: {found['msg']}, not {found['input']}; it is {says}"


def grain(name: str) -> Decimal | None:
    """Give the smallest step of a workload's number; None where the name is no number's."""
    kind = _WORKLOAD_TYPES.get(name)
    if isinstance(kind, pl.Decimal):
        return Decimal(1).scaleb(-kind.scale)
    return Decimal(1) if isinstance(kind, pl.Int64) else None


def beside(workloads: Mapping[str, Workload], folder: Path) -> dict[str, Workload]:
    """Give workloads whose files are named as seen from a folder."""
    return {
        name: workload.model_copy(update={"data": folder / workload.data})
        if workload.data is not None
        else workload
        for name, workload in workloads.items()
    }


def workload_frame(workloads: Mapping[str, Workload]) -> pl.DataFrame:
    """Give the warehouse's table `workloads`; the files must have been counted."""
    return _frame("workload", workloads, _WORKLOAD_TYPES)


def constraint_frame(constraints: Mapping[str, Constraints]) -> pl.DataFrame:
    """Give the warehouse's table `constraint_sets`."""
    return _frame("constraint_set", constraints, _CONSTRAINT_TYPES)


def _frame(
    key: str, said: Mapping[str, BaseModel], types: Mapping[str, pl.DataType]
) -> pl.DataFrame:
    rows = [{key: name, **model.model_dump(exclude={"data"})} for name, model in said.items()]
    return pl.DataFrame(rows, schema={key: pl.String(), **types})
