"""Reading a training file: what is wrong with which line, and how many tokens it trains on."""

import io
import json
import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import nullcontext
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import islice
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from pydantic_core import from_json, to_json
from splintr import Tokenizer

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

Format = Literal["chat", "preference", "prompt/completion", "ShareGPT", "plain text"]

REFERENCE_TOKENIZER: Final = "o200k_base"
# Those whose vocabulary comes with the program. Gemma 4 cuts text as Gemma 3 does and Kimi K3 as
# Kimi K2: 20,000 texts of random characters had the same tokens (2026-11-26). Google's own clients
# count for Gemini 1.5 as Gemma 2 does, and from 2.0 on as Gemma 3 (both read 2026-11-26):
# https://github.com/googleapis/python-aiplatform/blob/main/vertexai/tokenization/_tokenizer_loading.py
# https://github.com/googleapis/python-genai/blob/main/google/genai/_local_tokenizer_loader.py
TOKENIZERS: Final = frozenset({
    REFERENCE_TOKENIZER, "cl100k_base", "deepseek_v3", "gemma2", "gemma3", "glm4", "kimi_k2",
    "llama2", "llama3", "mistral_v1", "mistral_v3", "qwen3",
})  # fmt: skip
_OPENAI_TOKENIZERS: Final = frozenset({REFERENCE_TOKENIZER, "cl100k_base"})

# OpenAI's rule for chats: 3 tokens a message and those of its role, which is one; 3 an example;
# 1 a name. It says of itself that it is not exact.
# https://cookbook.openai.com/examples/chat_finetuning_data_prep (2023-08-22, read 2026-11-25)
_MESSAGE_TOKENS: Final = 4
_CHAT_TOKENS: Final = 3
_NAME_TOKENS: Final = 1
# How far other makers' chat templates are from it for each message: those of Llama 3 and Qwen
# write 5 tokens where it says 4, Mistral's 1 or 2.
_TEMPLATE_DOUBT: Final = 3
# How far other tokenizers are from o200k_base. Measured 2026-11-25 on this project's
# documents (61,000 characters), on Chinese manual pages (24,000) and on this project's code (1 M):
# cl100k_base, llama3, qwen3, glm4, kimi_k2, deepseek_v3, mistral_v3 and gemma3 count -1% to +9% in
# English, -16% to +30% in Chinese, 0% to +17% in code. (Vocabularies of 32,000 words, as llama2's,
# count +18% to +30%, and +44% to +78% in Chinese, but what is sold today has larger ones.)
_UNKNOWN_TOKENIZER_PCT: Final = 30.0

_MIB: Final = 1024 * 1024
_LONGEST_LINE: Final = 4 * _MIB  # over a million tokens of English
_LONGEST_UNPACKED: Final = 64 * 1024 * _MIB
_SAMPLE_SIZE: Final = 8 * _MIB
_PIECE: Final = 64 * 1024
_COMPARED_EXAMPLES: Final = 4_000_000  # 32 MB of digests
_MISTAKES_KEPT: Final = 20
_WARNINGS_KEPT: Final = 20
_GOLDEN_RATIO: Final = 0x9E3779B97F4A7C15  # of 2**64

_BOM: Final = b"\xef\xbb\xbf"
_COMPRESSED: Final = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_NO_LINES: Final = {
    b"\xff\xfe": "UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "UTF-16 text; save it as UTF-8",
    b"PK\x03\x04": "a ZIP archive or an office document; unpack it, or save it as JSON lines",
    b"PAR1": "a Parquet file; save it as JSON lines",
}
# Each format is known by a key that its lines have and others have not.
_FORMATS: Final[dict[str, Format]] = {
    "messages": "chat",
    "preferred_output": "preference",
    "conversations": "ShareGPT",
    "completion": "prompt/completion",
    "prompt": "prompt/completion",
    "text": "plain text",
}
_CHAT_KEYS: Final = {"messages", "tools", "functions", "parallel_tool_calls"}
_PREFERENCE_KEYS: Final = {"input", "preferred_output", "non_preferred_output"}
_SHAREGPT_KEYS: Final = {"conversations", "system", "tools", "id"}
_COMPLETION_KEYS: Final = {"prompt", "completion"}
_TEXT_KEYS: Final = {"text"}
_TURN_KEYS: Final = {"from", "value"}
_MESSAGE_KEYS: Final = {
    "role", "content", "name", "weight", "tool_calls", "tool_call_id", "function_call", "refusal",
}  # fmt: skip
_TOOL_ROLES: Final = ("tool", "function")
_ROLES: Final = ("system", "developer", "user", "assistant", *_TOOL_ROLES)
# Who speaks in ShareGPT's turns, and whether the model does.
_SPEAKERS: Final = {
    "system": False, "human": False, "user": False, "tool": False, "function": False,
    "observation": False, "gpt": True, "assistant": True, "chatgpt": True, "model": True,
    "bing": True, "bard": True, "function_call": True,
}  # fmt: skip
_MEDIA: Final = ("image_url", "input_audio", "file")
_KINDS: Final = {
    dict: "an object", list: "a list", str: "text", int: "a number", float: "a number",
    bool: "true or false", type(None): "null",
}  # fmt: skip
_QUOTED: Final = 40
_ESCAPED_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class TrainingFileError(ValueError):
    """The file cannot be read to its end, or has no line; the message says why."""


class Mistake(NamedTuple):
    """What is wrong with a line, the first being 1. Quotes no more of it than a few words."""

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class TrainingFile:
    """What a training file holds. Every line is either an example or a mistake.

    Characters and tokens are those of the examples alone. `tokens` are by tokenizer; those of
    o200k_base are counted over the whole file, as are `trained_tokens` (what the model learns to
    say: assistants' turns, completions, plain text) and `longest_tokens` (the longest example).
    The other tokenizers count a sample of 8 MiB, which is the whole of most files;
    `sampling_error_pct` is what that may be wrong by, 0 where the sample was the whole.
    `format` is null where no line has one. `duplicate_count` are examples that repeat another's
    line to the byte.
    """

    format: Format | None
    line_count: int
    example_count: int
    duplicate_count: int
    message_count: int
    characters: int
    tokens: Mapping[str, int]
    sampling_error_pct: Mapping[str, float]
    trained_tokens: int
    longest_tokens: int
    mistake_count: int
    mistakes: tuple[Mistake, ...]
    warnings: tuple[str, ...]


def read_training_file(
    file: Path, *, tokenizers: Iterable[str], on_bytes: Callable[[int], None] = lambda _: None
) -> TrainingFile:
    """Read a file of JSON lines once, in bounded memory; it may be compressed with gzip or zstd.

    The format is that of the first line that has one. Chats are counted by OpenAI's rule: the
    tokens of every text, 4 for a message and its role, 3 for an example; tool calls are counted
    as their name and arguments, tools as their JSON. In a preference the prompt counts once and
    both answers do. `on_bytes` is told how many bytes of the file have been read. o200k_base
    counts whether it is among the tokenizers or not.

    Raises `TrainingFileError`; `ValueError` for a tokenizer that is not one of `TOKENIZERS`.
    """
    others = sorted({*tokenizers} - {REFERENCE_TOKENIZER})
    if unknown := {*others} - TOKENIZERS:
        raise ValueError(f"no such tokenizer: {', '.join(sorted(unknown))}")
    counting = _Counting()
    try:
        for line in _lines(file, on_bytes):
            counting.take(line)
    except OSError as error:
        place = f" after line {counting.lines}" if counting.lines else ""
        why = error.strerror or error
        raise TrainingFileError(f"{file} cannot be read{place}: {why}") from error
    if not counting.lines:
        raise TrainingFileError(f"{file} is empty")
    return counting.result(others)


def count_of(training_file: TrainingFile, tokenizer: str | None) -> tuple[int, float]:
    """Give a file's tokens by a model's tokenizer, and how many percent they may be wrong by.

    A model whose tokenizer is not known, or was not asked for, is counted by o200k_base.
    """
    if tokenizer is None or tokenizer not in training_file.tokens:
        tokens, error_pct = training_file.tokens[REFERENCE_TOKENIZER], _UNKNOWN_TOKENIZER_PCT
    else:
        tokens = training_file.tokens[tokenizer]
        error_pct = training_file.sampling_error_pct[tokenizer]
    if tokens and tokenizer not in _OPENAI_TOKENIZERS:
        error_pct += 100 * _TEMPLATE_DOUBT * training_file.message_count / tokens
    return tokens, error_pct


class _WrongLineError(ValueError):
    """The line is no example; the message says why."""


_Counter = Callable[[str], int]


@dataclass(slots=True)
class _Example:
    """What a line teaches: what the model is shown, and what it learns to say to it."""

    prompts: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    message_count: int = 0
    template_tokens: int = 0

    def tokens(self, count: _Counter) -> tuple[int, int]:
        """Give the example's tokens, and those among them that are trained on."""
        trained = sum(map(count, self.answers))
        return sum(map(count, self.prompts)) + trained + self.template_tokens, trained

    def add_message(self) -> None:
        """Count a message, whose texts were added."""
        self.message_count += 1
        self.template_tokens += _MESSAGE_TOKENS


def _counter(name: str) -> _Counter:
    # a text that spells a control token is text like any other
    encode = Tokenizer.from_pretrained(name).encode_ordinary
    return lambda text: sum(len(encode(piece)) for piece in _pieces(text))


def _pieces(text: str) -> Iterator[str]:
    """Cut a long text before blanks, where a token begins anyway.

    One word of a million letters would take 150 MB. Where there is no blank, and in a row of
    blanks, a cut may make a token more.
    """
    start = 0
    while len(text) - start > _PIECE:
        blank = text.rfind(" ", start + 1, start + _PIECE)
        end = blank if blank > 0 else start + _PIECE
        yield text[start:end]
        start = end
    yield text[start:]


class _Counting:
    """What has been read of a file so far."""

    def __init__(self) -> None:
        self._reader = _Reader()
        self._count = _counter(REFERENCE_TOKENIZER)
        self._sample = _Sample()
        self._digests = [array("Q") for _ in range(256)]
        self.lines = self._examples = self._messages = self._characters = 0
        self._tokens = self._trained = self._longest = 0
        self._mistakes: list[Mistake] = []

    def take(self, line: bytes) -> None:
        self.lines += 1
        try:
            example = self._reader.read(line)
        except _WrongLineError as error:
            if len(self._mistakes) < _MISTAKES_KEPT:
                self._mistakes.append(Mistake(self.lines, str(error)))
            return
        tokens, trained = example.tokens(self._count)
        self._tokens += tokens
        self._trained += trained
        self._longest = max(self._longest, tokens)
        self._messages += example.message_count
        self._characters += sum(map(len, example.prompts)) + sum(map(len, example.answers))
        if self._examples < _COMPARED_EXAMPLES:
            digest = blake2b(line.strip(), digest_size=8).digest()
            self._digests[digest[0]].append(int.from_bytes(digest))
        self._sample.offer(self._examples, line)
        self._examples += 1

    def result(self, tokenizers: Sequence[str]) -> TrainingFile:
        """Close the count, and give it."""
        tokens, sampling_error_pct = {REFERENCE_TOKENIZER: self._tokens}, {REFERENCE_TOKENIZER: 0.0}
        sampled = self._sample.counts(self._count) if tokenizers else []
        del self._count  # 30 MB that the next can have
        for name in tokenizers:
            ratio, error_pct = _ratio(sampled, self._sample.counts(_counter(name)))
            tokens[name] = round(self._tokens * ratio)
            sampling_error_pct[name] = 0.0 if self._sample.is_whole else error_pct
        warnings = self._reader.warnings()
        if self._examples > _COMPARED_EXAMPLES:
            warnings.append(
                f"duplicates were looked for in the first {_COMPARED_EXAMPLES:,} of them"
            )
        return TrainingFile(
            format=self._reader.format,
            line_count=self.lines,
            example_count=self._examples,
            duplicate_count=sum(len(some) - len(set(some)) for some in self._digests),
            message_count=self._messages,
            characters=self._characters,
            tokens=tokens,
            sampling_error_pct=sampling_error_pct,
            trained_tokens=self._trained,
            longest_tokens=self._longest,
            mistake_count=self.lines - self._examples,
            mistakes=tuple(self._mistakes),
            warnings=tuple(warnings),
        )


class _Sample:
    """Examples spread evenly over the file, half as many whenever they become too large."""

    def __init__(self) -> None:
        self._lines: list[tuple[int, bytes]] = []
        self._size = 0
        self._bound = 2**64

    def offer(self, number: int, line: bytes) -> None:
        # multiples of the golden ratio spread evenly and keep step with no pattern in the file
        place = number * _GOLDEN_RATIO % 2**64
        if place >= self._bound:
            return
        self._lines.append((place, line))
        self._size += len(line)
        while self._size > _SAMPLE_SIZE:
            self._bound //= 2
            self._lines = [kept for kept in self._lines if kept[0] < self._bound]
            self._size = sum(len(line) for _, line in self._lines)

    @property
    def is_whole(self) -> bool:
        """Whether every example is in it."""
        return self._bound == 2**64

    def counts(self, count: _Counter) -> list[int]:
        """Give the tokens of each of its examples."""
        reader = _Reader()
        return [reader.read(line).tokens(count)[0] for _, line in self._lines]


def _ratio(ours: list[int], theirs: list[int]) -> tuple[float, float]:
    """Give how many tokens there are of theirs to one of ours, and its error in percent.

    The error is two standard errors of a ratio of two sums.
    """
    here, there, count = sum(ours), sum(theirs), len(ours)
    if not here or not there:
        return 1.0, _UNKNOWN_TOKENIZER_PCT
    ratio = there / here
    if count == 1:
        return ratio, _UNKNOWN_TOKENIZER_PCT
    spread = sum((b - ratio * a) ** 2 for a, b in zip(ours, theirs, strict=True))
    return ratio, 200 * sqrt(spread * count / (count - 1)) / there


@dataclass(slots=True)
class _Odd:
    """On how many lines something was met."""

    first: int
    lines: int = 0
    last: int = 0

    def see(self, line: int) -> None:
        self.lines += line != self.last
        self.last = line


class _Reader:
    """Reads lines into examples, and remembers what is odd about them without being wrong."""

    def __init__(self) -> None:
        self.format: Format | None = None
        self._format_line = 0
        self._line = 0
        self._odd: dict[str, _Odd] = {}

    def read(self, line: bytes) -> _Example:
        self._line += 1
        if self._line == 1 and line.startswith(_BOM):
            self._note("begins with a byte order mark, which some providers refuse")
            line = line.removeprefix(_BOM)
        if len(line) > _LONGEST_LINE:
            raise _WrongLineError(f"is longer than {_LONGEST_LINE // _MIB} MiB; split the example")
        example = _parsed(line)
        match self._form(example):
            case "chat":
                return self._chat(example)
            case "preference":
                return self._preference(example)
            case "prompt/completion":
                return self._prompt_and_completion(example)
            case "ShareGPT":
                return self._sharegpt(example)
            case "plain text":
                return self._plain_text(example)

    def _form(self, line: dict[str, Any]) -> Format:
        form = next((form for key, form in _FORMATS.items() if key in line), None)
        if form is None:
            keys = ", ".join(map(_quoted, _FORMATS))
            raise _WrongLineError(f"is of no known format: it has none of the keys {keys}")
        if self.format is None:
            self.format, self._format_line = form, self._line
        if form != self.format:
            raise _WrongLineError(
                f"is in the {form} format, but the file is in the {self.format} format since line "
                f"{self._format_line}; a file has one format"
            )
        return form

    def warnings(self) -> list[str]:
        """Say what was odd, on how many lines, and where first."""
        told = []
        for what, odd in islice(self._odd.items(), _WARNINGS_KEPT):
            others = f" and {odd.lines - 1:,} more" if odd.lines > 1 else ""
            told.append(f"line {odd.first}{others}: {what}")
        if len(self._odd) > _WARNINGS_KEPT:
            told.append("there are more unknown keys; only the first are named")
        return told

    def _note(self, what: str) -> None:
        if what not in self._odd and len(self._odd) <= _WARNINGS_KEPT:
            self._odd[what] = _Odd(self._line)
        if what in self._odd:
            self._odd[what].see(self._line)

    def _know(self, held: dict[str, Any], keys: AbstractSet[str]) -> None:
        if not held.keys() <= keys:
            unknown = (key for key in held if key not in keys)
            for key in islice(unknown, _WARNINGS_KEPT):
                self._note(f"unknown key {_quoted(key)}, which a provider may refuse")

    def _prompt_and_completion(self, line: dict[str, Any]) -> _Example:
        self._know(line, _COMPLETION_KEYS)
        # an empty prompt is how open-ended writing is taught
        prompt = line.get("prompt")
        prompts = [] if prompt == "" else [_text(line, "prompt")]
        return _Example(prompts, [_text(line, "completion")])

    def _plain_text(self, line: dict[str, Any]) -> _Example:
        self._know(line, _TEXT_KEYS)
        return _Example([], [_text(line, "text")])

    def _sharegpt(self, line: dict[str, Any]) -> _Example:
        self._know(line, _SHAREGPT_KEYS)
        example = _Example(template_tokens=_CHAT_TOKENS)
        if line.get("system"):
            example.prompts.append(_text(line, "system"))
            example.add_message()
        for where, turn in _objects(line, "conversations", "turn"):
            self._know(turn, _TURN_KEYS)
            speaker = turn.get("from")
            if not isinstance(speaker, str) or speaker not in _SPEAKERS:
                raise _WrongLineError(f"{where}{_unknown('from', speaker, _SPEAKERS)}")
            side = example.answers if _SPEAKERS[speaker] else example.prompts
            side.append(_text(turn, "value", where))
            example.add_message()
        if not example.answers:
            raise _WrongLineError("has no turn of the model, so nothing to learn from")
        self._tools(line, example)
        return example

    def _chat(self, line: dict[str, Any]) -> _Example:
        self._know(line, _CHAT_KEYS)
        example = _Example(template_tokens=_CHAT_TOKENS)
        roles = {self._message(*placed, example) for placed in _objects(line, "messages")}
        if "assistant" not in roles:
            raise _WrongLineError("has no message of the assistant, so nothing to learn from")
        self._tools(line, example)
        return example

    def _preference(self, line: dict[str, Any]) -> _Example:
        self._know(line, _PREFERENCE_KEYS)
        asked = line.get("input")
        if not isinstance(asked, dict):
            raise _WrongLineError(_not_as_meant("input", asked, "an object"))
        self._know(asked, _CHAT_KEYS)
        example = _Example(template_tokens=_CHAT_TOKENS)
        for where, message in _objects(asked, "messages"):
            self._message(where, message, example)
        for key in ("preferred_output", "non_preferred_output"):
            for where, message in _objects(line, key):
                if self._message(where, message, example) != "assistant":
                    raise _WrongLineError(f"{where}is not of the assistant")
        self._tools(asked, example)
        return example

    def _message(self, where: str, message: dict[str, Any], example: _Example) -> str:
        """Add a message to its example and give its role."""
        self._know(message, _MESSAGE_KEYS)
        role = message.get("role")
        if not isinstance(role, str) or role not in _ROLES:
            raise _WrongLineError(f"{where}{_unknown('role', role, _ROLES)}")
        weight = message.get("weight", 1)
        if weight not in (0, 1) or isinstance(weight, bool):
            raise _WrongLineError(f'{where}"weight" must be 0 or 1')
        side = example.answers if role == "assistant" and weight else example.prompts
        content = message.get("content")
        if isinstance(content, str) and content and not content.isspace():
            side.append(content)
        elif isinstance(content, list):
            side.extend(self._parts(where, message))
        elif content not in (None, "") or not _may_be_silent(role, message):
            _text(message, "content", where)
        if len(message) > 2:  # noqa: PLR2004 more than a role and a content
            side.extend(_calls(where, message))
            if message.get("name") is not None:
                side.append(_text(message, "name", where))
                example.template_tokens += _NAME_TOKENS
        example.add_message()
        return role

    def _parts(self, where: str, message: dict[str, Any]) -> Iterator[str]:
        for place, part in _objects(message, "content", "part", where):
            kind = part.get("type")
            if kind in ("text", "refusal"):
                yield _text(part, kind, place)
            elif isinstance(kind, str) and kind in _MEDIA:
                self._note(f"content of the type {kind}, whose tokens are not counted")
            else:
                known = ("text", "refusal", *_MEDIA)
                raise _WrongLineError(f"{place}{_unknown('type', kind, known)}")

    def _tools(self, line: dict[str, Any], example: _Example) -> None:
        for key in ("tools", "functions"):
            tools = line.get(key)
            if tools:
                # ShareGPT's are mostly JSON in a text
                told = tools if isinstance(tools, str) else to_json(tools).decode()
                example.prompts.append(told)
                self._note("tools, counted as their JSON, which the provider writes otherwise")


def _parsed(line: bytes) -> dict[str, Any]:
    """Read a line as one JSON object that says each thing once."""
    try:
        read = from_json(line, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        raise _WrongLineError(_why_no_json(line, str(error))) from None
    if not isinstance(read, dict):
        raise _WrongLineError(f"is {_KINDS[type(read)]}, not an object")
    # the parser keeps the last of several equal keys, and then there are fewer texts than were
    # written
    quotes = line.count(b'"')
    if b"\\" in line:
        quotes -= line.replace(rb"\\", b"").count(rb"\"")
    if quotes != 2 * _text_count(read):
        json.loads(line, object_pairs_hook=_once)
    if rb"\u0000" in line and _ESCAPED_NUL.search(line):
        raise _WrongLineError("holds a NUL character")
    return read


def _text_count(read: object) -> int:
    """Count the texts of a JSON value, keys among them."""
    if isinstance(read, str):
        return 1
    if isinstance(read, dict):
        return len(read) + sum(map(_text_count, read.values()))
    return sum(map(_text_count, read)) if isinstance(read, list) else 0


def _once(pairs: list[tuple[str, Any]]) -> None:
    met = set()
    for key, _ in pairs:
        if key in met:
            raise _WrongLineError(f"has the key {_quoted(key)} twice in one object")
        met.add(key)


def _why_no_json(line: bytes, said: str) -> str:
    why = f"is no JSON: {said.replace('line 1 column', 'column')}"
    if not line.strip():
        why = "is empty"
    elif line.startswith(_BOM):
        why = "begins with a byte order mark, as where files were joined; remove it"
    elif b"\0" in line:
        why = "holds a NUL byte"
    elif (wrong := _undecodable(line)) is not None:
        why = f"is not valid UTF-8 from byte {wrong} on"
    elif said.startswith("EOF"):
        is_last = not line.endswith(b"\n")
        why = (
            "is cut short: the file ends in the middle of it"
            if is_last
            else "is only a part of an object; write each example on one line"
        )
    return why


def _undecodable(line: bytes) -> int | None:
    try:
        line.decode()
    except UnicodeDecodeError as error:
        return error.start + 1
    return None


def _objects(
    held: dict[str, Any], key: str, each: str = "message", where: str = ""
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the objects of a list that must not be empty, each with words for its place."""
    listed = held.get(key)
    if not isinstance(listed, list):
        raise _WrongLineError(where + _not_as_meant(key, listed, "a list"))
    if not listed:
        raise _WrongLineError(f'{where}"{key}" is empty')
    # of the lists of messages, one is the usual
    of = f' of "{key}"' if key.endswith("_output") else ""
    for number, one in enumerate(listed, 1):
        place = f"{where}{each} {number}{of}: "
        if not isinstance(one, dict):
            raise _WrongLineError(f"{place}is {_KINDS[type(one)]}, not an object")
        yield place, one


def _text(held: dict[str, Any], key: str, where: str = "") -> str:
    text = held.get(key)
    if not isinstance(text, str):
        raise _WrongLineError(where + _not_as_meant(key, text, "text"))
    if not text or text.isspace():
        raise _WrongLineError(f'{where}"{key}" is empty')
    return text


def _may_be_silent(role: str, message: dict[str, Any]) -> bool:
    """Whether a message may go without content: a call of tools, or what came of one."""
    if role == "assistant":
        return any(message.get(key) for key in ("tool_calls", "function_call", "refusal"))
    return role in _TOOL_ROLES and message.get("content") == ""


def _calls(where: str, message: dict[str, Any]) -> Iterator[str]:
    """Give what a message says beside its content: calls of tools, a refusal."""
    if message.get("refusal") is not None:
        yield _text(message, "refusal", where)
    calls = []
    if message.get("tool_calls") is not None:
        for place, call in _objects(message, "tool_calls", "tool call", where):
            calls.append((place, call.get("function"), "function"))
    if message.get("function_call") is not None:
        calls.append((where, message["function_call"], "function_call"))
    for place, called, key in calls:
        if not isinstance(called, dict):
            raise _WrongLineError(place + _not_as_meant(key, called, "an object"))
        yield _text(called, "name", place)
        yield _text(called, "arguments", place)


def _not_as_meant(key: str, value: object, meant: str) -> str:
    if value is None:
        return f'"{key}" is missing'
    return f'"{key}" is {_KINDS[type(value)]}, not {meant}'


def _unknown(key: str, value: object, known: Iterable[str]) -> str:
    if not isinstance(value, str):
        return _not_as_meant(key, value, "text")
    return f'"{key}" is {_quoted(value)}; known are {", ".join(known)}'


def _quoted(text: str) -> str:
    """Quote a few words of the file, without what a terminal would obey."""
    return repr(text if len(text) <= _QUOTED else text[:_QUOTED] + "…")


def _lines(file: Path, on_bytes: Callable[[int], None]) -> Iterator[bytes]:
    """Give the lines with their ends; of one that is too long, only its beginning."""
    with io.BufferedReader(_Watched(file, on_bytes), _MIB) as raw:
        beginning = raw.peek(4)[:4]
        for magic, what in _NO_LINES.items():
            if beginning.startswith(magic):
                raise TrainingFileError(f"{file} is {what}")
        codec = next((c for magic, c in _COMPRESSED.items() if beginning.startswith(magic)), None)
        unpacked = 0
        with _unpacked(raw, codec) if codec else nullcontext(raw) as stream:
            is_within_line = False
            while piece := stream.readline(_LONGEST_LINE + 1):
                if not is_within_line:
                    yield piece
                is_within_line = not piece.endswith(b"\n")
                unpacked += len(piece)
                if codec and unpacked > _LONGEST_UNPACKED:
                    most = _LONGEST_UNPACKED // _MIB // 1024
                    raise TrainingFileError(f"{file} unpacks to more than {most} GiB")


def _unpacked(packed: io.BufferedIOBase, codec: str) -> io.BufferedIOBase:
    from pyarrow import CompressedInputStream  # noqa: PLC0415 30 MB that most files do not need

    # unlike zstandard's own reader it tells that a file was cut short
    return io.BufferedReader(CompressedInputStream(packed, codec), _MIB)


class _Watched(io.FileIO):
    """A file that tells how much of it has been read."""

    def __init__(self, file: Path, on_bytes: Callable[[int], None]) -> None:
        super().__init__(file)
        self._on_bytes = on_bytes
        self._read = 0

    def readinto(self, buffer: "WriteableBuffer", /) -> int | None:
        count = super().readinto(buffer)
        if count:
            self._read += count
            self._on_bytes(self._read)
        return count
