import gzip
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from splintr import AnyTokenizer, Tokenizer

from pipeline import training_file
from pipeline.training_file import (
    TOKENIZERS,
    Mistake,
    TrainingFile,
    TrainingFileError,
    count_of,
    read_training_file,
)

CHAT = {
    "messages": [
        {"role": "system", "content": "hello world"},
        {"role": "user", "content": "hello world"},
        {"role": "assistant", "content": "hello world"},
    ]
}
PREFERENCE = {
    "input": {"messages": [{"role": "user", "content": "hello world"}]},
    "preferred_output": [{"role": "assistant", "content": "hello world"}],
    "non_preferred_output": [{"role": "assistant", "content": "hello world"}],
}
SHAREGPT = {
    "conversations": [
        {"from": "human", "value": "hello world"},
        {"from": "gpt", "value": "hello world"},
    ]
}
# format, a line, its tokens in all and those trained on, "hello world" being two
FORMATS: list[tuple[str, dict[str, Any], int, int]] = [
    ("chat", CHAT, 3 * (4 + 2) + 3, 2),
    ("preference", PREFERENCE, 3 * (4 + 2) + 3, 4),
    ("ShareGPT", SHAREGPT, 2 * (4 + 2) + 3, 2),
    ("prompt/completion", {"prompt": "hello world", "completion": "hello world"}, 4, 2),
    ("plain text", {"text": "hello world"}, 2, 2),
]

ROOT = Path(__file__).parents[2]
Read = Callable[..., TrainingFile]
tokenizer = cache(Tokenizer.from_pretrained)


@pytest.fixture(autouse=True)
def loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_file, "Tokenizer", SimpleNamespace(from_pretrained=tokenizer))


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(content: bytes, *tokenizers: str, name: str = "data.jsonl") -> TrainingFile:
        file = tmp_path / name
        file.write_bytes(content)
        return read_training_file(file, tokenizers=tokenizers)

    return read


def jsonl(*examples: object) -> bytes:
    return b"".join(json.dumps(example).encode() + b"\n" for example in examples)


def chat(*messages: object, **other: object) -> dict[str, object]:
    return {"messages": [*messages], **other}


def user(content: object = "hello world", **other: object) -> dict[str, object]:
    return {"role": "user", "content": content, **other}


def assistant(content: object = "hello world", **other: object) -> dict[str, object]:
    return {"role": "assistant", "content": content, **other}


# what OpenAI states of its own tokenizers
# https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken
@pytest.mark.parametrize(
    ("text", "o200k_base", "cl100k_base"),
    [
        ("antidisestablishmentarianism", 6, 6),
        ("2 + 2 = 4", 7, 7),
        ("お誕生日おめでとう", 8, 9),
    ],
)
def test_tokens_are_those_that_openai_states(
    read: Read, text: str, o200k_base: int, cl100k_base: int
) -> None:
    found = read(jsonl({"text": text}), "cl100k_base")
    assert found.tokens == {"o200k_base": o200k_base, "cl100k_base": cl100k_base}
    assert found.characters == len(text)


def test_a_chat_has_the_tokens_that_openai_was_billed(read: Read) -> None:
    told = [
        (
            "system",
            (
                "You are a helpful, pattern-following assistant that translates corporate "
                "jargon into plain English."
            ),
            None,
        ),
        ("system", "New synergies will help drive top-line growth.", "example_user"),
        ("system", "Things working well together will increase revenue.", "example_assistant"),
        (
            "system",
            (
                "Let's circle back when we have more bandwidth to touch base on opportunities "
                "for increased leverage."
            ),
            "example_user",
        ),
        (
            "system",
            "Let's talk later when we're less busy about how to do better.",
            "example_assistant",
        ),
        (
            "user",
            (
                "This late pivot means we don't have time to boil the ocean for the client "
                "deliverable."
            ),
            None,
        ),
    ]
    messages = [
        {"role": role, "content": content, **({"name": name} if name else {})}
        for role, content, name in told
    ]
    found = read(jsonl(chat(*messages, assistant())), "cl100k_base")
    # of GPT-4o and GPT-3.5, and the assistant's message, which must be there
    assert found.tokens == {"o200k_base": 124 + 6, "cl100k_base": 129 + 6}


@pytest.mark.parametrize(("name", "line", "tokens", "trained"), FORMATS)
def test_every_format_is_told_from_its_lines_and_counted(
    read: Read, name: str, line: dict[str, Any], tokens: int, trained: int
) -> None:
    found = read(jsonl(line, line, line))
    assert (found.format, found.line_count, found.example_count) == (name, 3, 3)
    assert (found.mistake_count, found.mistakes, found.warnings) == (0, (), ())
    assert found.tokens == {"o200k_base": 3 * tokens}
    assert found.trained_tokens == 3 * trained
    assert found.longest_tokens == tokens
    assert found.duplicate_count == 2


def test_parts_calls_names_and_weights_are_read(read: Read) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "hello", "arguments": "world"}}
    found = read(
        jsonl(
            chat(
                user([{"type": "text", "text": "hello"}, {"type": "text", "text": "world"}]),
                assistant("hello", weight=0),
                assistant(None, tool_calls=[call]),
                {"role": "tool", "content": "", "tool_call_id": "1"},
                assistant("", function_call={"name": "hello", "arguments": "world"}),
                assistant(None, refusal="hello"),
                parallel_tool_calls=False,
            )
        )
    )
    assert found.mistakes == found.warnings == ()
    assert found.message_count == 6
    assert found.trained_tokens == 2 + 2 + 1
    assert found.tokens["o200k_base"] == 6 * 4 + 3 + 2 + 1 + 2 + 0 + 2 + 1


MISTAKES: list[tuple[bytes, str]] = [
    (b"\n", "is empty"),
    (b" \t\r\n", "is empty"),
    (b"[1]\n", "is a list, not an object"),
    (b"3\n", "is a number, not an object"),
    (b"null\n", "is null, not an object"),
    (
        b"{}\n",
        (
            "is of no known format: it has none of the keys 'messages', 'preferred_output', "
            "'conversations', 'completion', 'prompt', 'text'"
        ),
    ),
    (b'{"text": "a",}\n', "is no JSON: trailing comma at column 14"),
    (b'{"text": NaN}\n', "is no JSON: expected value at column 10"),
    (b'{"text": "a"} {"text": "b"}\n', "is no JSON: trailing characters at column 15"),
    (b'{"text":\n', "is only a part of an object; write each example on one line"),
    (b'{"text": "a', "is cut short: the file ends in the middle of it"),
    (b'{"text": "\xff"}\n', "is not valid UTF-8 from byte 11 on"),
    (b'{"text": "\xed\xa0\x80"}\n', "is not valid UTF-8 from byte 11 on"),
    (b'{"text": "a\x00"}\n', "holds a NUL byte"),
    (b'{"text": "a\\u0000"}\n', "holds a NUL character"),
    (
        b'\xef\xbb\xbf{"text": "a"}\n',
        "begins with a byte order mark, as where files were joined; remove it",
    ),
    (b'{"text": "a", "text": "b"}\n', "has the key 'text' twice in one object"),
    (b'{"text": "\\\\\\"", "t\\u0065xt": 1}\n', "has the key 'text' twice in one object"),
    (b"[" * 500 + b"\n", "is no JSON: recursion limit exceeded at column 202"),
    (b'{"text": ' + b"9" * 9999 + b"}\n", "is no JSON: number out of range at column 4311"),
    (b'{"text": "' + b"a" * 4 * 1024 * 1024 + b'"}\n', "is longer than 4 MiB; split the example"),
    (jsonl({"text": None}), '"text" is missing'),
    (jsonl({"text": 3}), '"text" is a number, not text'),
    (jsonl({"text": " \n"}), '"text" is empty'),
    (
        jsonl(CHAT),
        (
            "is in the chat format, but the file is in the plain text format since line 1; "
            "a file has one format"
        ),
    ),
]


@pytest.mark.parametrize(("line", "why"), MISTAKES, ids=lambda value: str(value)[:40])
def test_a_bad_line_is_named_and_why(read: Read, line: bytes, why: str) -> None:
    found = read(jsonl({"text": "hello world"}) + line)
    assert found.mistakes == (Mistake(2, why),)
    assert (found.line_count, found.example_count, found.mistake_count) == (2, 1, 1)
    assert found.tokens == {"o200k_base": 2}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ({"messages": {}}, '"messages" is an object, not a list'),
        (chat(), '"messages" is empty'),
        (chat("hello"), "message 1: is text, not an object"),
        (chat(user()), "has no message of the assistant, so nothing to learn from"),
        (chat({"content": "hello"}), 'message 1: "role" is missing'),
        (chat({"role": ["user"], "content": "a"}), 'message 1: "role" is a list, not text'),
        (
            chat(assistant(), {"role": "bot", "content": "hello"}),
            (
                "message 2: \"role\" is 'bot'; known are system, developer, user, assistant, tool, "
                "function"
            ),
        ),
        (chat(user(), {"role": "assistant"}), 'message 2: "content" is missing'),
        (chat(user(""), assistant()), 'message 1: "content" is empty'),
        (chat(user(), assistant("\n")), 'message 2: "content" is empty'),
        (chat(user(content=True), assistant()), 'message 1: "content" is true or false, not text'),
        (chat(user([]), assistant()), 'message 1: "content" is empty'),
        (chat(user([{"text": "a"}]), assistant()), 'message 1: part 1: "type" is missing'),
        (
            chat(user([{"type": "video"}]), assistant()),
            (
                "message 1: part 1: \"type\" is 'video'; known are text, refusal, image_url, "
                "input_audio, file"
            ),
        ),
        (
            chat(assistant(3, refusal="hello")),
            'message 1: "content" is a number, not text',
        ),
        (chat(user(name=3), assistant()), 'message 1: "name" is a number, not text'),
        (chat(assistant(weight=2)), 'message 1: "weight" must be 0 or 1'),
        (chat(assistant(weight=True)), 'message 1: "weight" must be 0 or 1'),
        (chat(assistant(tool_calls="x")), 'message 1: "tool_calls" is text, not a list'),
        (chat(assistant(tool_calls=[{}])), 'message 1: tool call 1: "function" is missing'),
        (
            chat(assistant(function_call={"name": "a", "arguments": {}})),
            'message 1: "arguments" is an object, not text',
        ),
        ({"preferred_output": []}, '"input" is missing'),
        (PREFERENCE | {"non_preferred_output": []}, '"non_preferred_output" is empty'),
        (
            PREFERENCE | {"preferred_output": [user()]},
            'message 1 of "preferred_output": is not of the assistant',
        ),
        ({"conversations": [{"from": "gpt"}]}, 'turn 1: "value" is missing'),
        (
            {"conversations": [{"from": "human", "value": "a"}]},
            "has no turn of the model, so nothing to learn from",
        ),
        ({"prompt": "a"}, '"completion" is missing'),
        ({"completion": "a"}, '"prompt" is missing'),
        ({"prompt": "a", "completion": ""}, '"completion" is empty'),
    ],
    ids=str,
)
def test_a_bad_example_is_named_and_why(read: Read, line: object, why: str) -> None:
    found = read(jsonl(line))
    assert found.mistakes == (Mistake(1, why),)
    assert found.example_count == 0


def test_all_mistakes_are_counted_and_the_first_kept(read: Read) -> None:
    found = read(b"{\n" * 1000)
    assert found.mistake_count == found.line_count == 1000
    assert [mistake.line for mistake in found.mistakes] == list(range(1, 21))
    assert found.format is None


def test_what_is_quoted_is_short_and_harmless(read: Read) -> None:
    evil = "\x1b[31m\x9b\u202e" + "x" * 10_000
    found = read(jsonl(chat({"role": evil, "content": "a"}), chat(assistant(), **{evil: 1})))
    told = [found.mistakes[0].why, *found.warnings]
    assert len(told) == 2
    assert all(len(words) < 200 and words.isprintable() for words in told)


def test_odd_things_are_warned_of_and_counted(read: Read) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:"}}
    found = read(
        b"\xef\xbb\xbf"
        + jsonl(
            chat(user(mood="glad"), assistant(mood="sad"), tools=[{"a": 1}]),
            chat(user([image]), assistant(), mood="glad"),
        )
    )
    assert found.mistake_count == 0
    assert found.warnings == (
        "line 1: begins with a byte order mark, which some providers refuse",
        "line 1 and 1 more: unknown key 'mood', which a provider may refuse",
        "line 1: tools, counted as their JSON, which the provider writes otherwise",
        "line 2: content of the type image_url, whose tokens are not counted",
    )


def test_ever_new_keys_are_not_all_kept(read: Read) -> None:
    found = read(jsonl(*({"text": "a", f"key {number}": 1} for number in range(1000))))
    assert len(found.warnings) == 21
    assert found.warnings[-1] == "there are more unknown keys; only the first are named"


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_compressed_file_is_read_like_any_other(
    read: Read, pack: Callable[[bytes], bytes]
) -> None:
    content = jsonl(*(chat(user(f"hello {number}"), assistant()) for number in range(5000)))
    assert read(pack(content)) == read(content)
    # two that were joined are one
    assert read(pack(content) + pack(content)).duplicate_count == 5000
    packed = pack(content)
    with pytest.raises(TrainingFileError, match=r"data.jsonl cannot be read.*: Truncated"):
        read(packed[:-9])
    with pytest.raises(TrainingFileError, match=r"data.jsonl cannot be read"):
        read(packed + b"garbage")


def test_a_file_that_unpacks_to_too_much_is_not_read_on(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_file, "_LONGEST_UNPACKED", 2 * 1024**3)
    endless = zstandard.ZstdCompressor(level=1).compressobj()
    packed = b"".join(endless.compress(bytes(2**24)) for _ in range(130)) + endless.flush()
    with pytest.raises(TrainingFileError, match="unpacks to more than 2 GiB"):
        read(packed)


def test_a_line_that_is_too_long_is_one_line(read: Read) -> None:
    found = read(b"x" * (9 * 1024 * 1024) + b"\n" + jsonl(CHAT) + b"x" * (9 * 1024 * 1024))
    assert (found.line_count, found.example_count) == (3, 1)
    assert [mistake.line for mistake in found.mistakes] == [1, 3]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty"),
        ('{"text": "a"}\n'.encode("utf-16"), "is UTF-16 text; save it as UTF-8"),
        (b"PK\x03\x04rest", "is a ZIP archive"),
        (b"PAR1rest", "is a Parquet file"),
    ],
)
def test_what_has_no_lines_is_refused(read: Read, content: bytes, what: str) -> None:
    with pytest.raises(TrainingFileError, match=what):
        read(content)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TrainingFileError, match="No such file"):
        read_training_file(tmp_path / "none.jsonl", tokenizers=())
    with pytest.raises(TrainingFileError, match="Is a directory"):
        read_training_file(tmp_path, tokenizers=())


def test_progress_ends_at_the_size_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "data.jsonl"
    for content in (jsonl({"text": "x" * 999_999}) * 5, gzip.compress(jsonl({"text": "x"}) * 999)):
        file.write_bytes(content)
        told: list[int] = []
        read_training_file(file, tokenizers=(), on_bytes=told.append)
        assert told == sorted(told)
        assert told[-1] == len(content)


def test_an_unknown_tokenizer_is_the_callers_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such tokenizer: p50k_base"):
        read_training_file(tmp_path / "data.jsonl", tokenizers=["p50k_base"])


@pytest.mark.parametrize("name", ["o200k_base", "cl100k_base", "llama3", "qwen3", "gemma3"])
def test_a_long_text_has_the_tokens_that_it_has_in_one_piece(read: Read, name: str) -> None:
    files = [*ROOT.glob("docs/*.md"), *ROOT.glob("sources/*.py")]
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    assert len(text) > 3 * 64 * 1024
    whole = len(tokenizer(name).encode_ordinary(text))
    assert read(jsonl({"text": text}), name).tokens[name] == pytest.approx(whole, abs=4)
    # a word that does not end is cut anywhere
    assert read(jsonl({"text": "a" * 10**6}), name).tokens[name] == pytest.approx(
        len(tokenizer(name).encode_ordinary("a" * 10**6)), abs=20
    )


@pytest.mark.parametrize("name", sorted(TOKENIZERS))
def test_every_tokenizer_counts_text_as_text(read: Read, name: str) -> None:
    found = read(jsonl({"text": "hello world"}, {"text": "<|endoftext|></s><eos>"}), name)
    assert 10 < found.tokens[name] < 25
    assert found.sampling_error_pct[name] == 0


def test_a_large_file_is_counted_by_a_sample(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    # every second line is in Chinese, where the two differ by a third
    pair = ({"text": "A language model learns from examples."}, {"text": "语言模型从示例中学习。"})
    content = jsonl(*(pair * 2000))
    whole = read(content, "cl100k_base")
    assert whole.sampling_error_pct == {"o200k_base": 0, "cl100k_base": 0}
    monkeypatch.setattr(training_file, "_SAMPLE_SIZE", 16 * 1024)
    sampled = read(content, "cl100k_base")
    off = abs(sampled.tokens["cl100k_base"] / whole.tokens["cl100k_base"] - 1)
    assert 0 < sampled.sampling_error_pct["cl100k_base"] < 5
    assert 100 * off <= sampled.sampling_error_pct["cl100k_base"]
    assert sampled.tokens["o200k_base"] == whole.tokens["o200k_base"]


def test_a_count_has_its_error(read: Read) -> None:
    found = read(jsonl(CHAT), "cl100k_base", "llama3")
    assert count_of(found, "o200k_base") == (21, 0)
    assert count_of(found, "cl100k_base") == (21, 0)
    # a template may differ by three tokens a message
    assert count_of(found, "llama3") == (21, pytest.approx(100 * 9 / 21))
    assert count_of(found, None) == count_of(found, "qwen3") == (21, pytest.approx(30 + 900 / 21))
    text = read(jsonl({"text": "hello world"}), "llama3")
    assert count_of(text, "llama3") == (2, 0)
    assert count_of(text, None) == (2, 30)


words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")).filter(
    lambda text: bool(text.strip())
)
turns = st.builds(
    lambda role, content: {"role": role, "content": content},
    st.sampled_from(["system", "user", "assistant"]),
    words,
)
conversations = st.lists(turns).map(lambda told: chat(*told, assistant()))
completions = st.builds(lambda a, b: {"prompt": a, "completion": b}, words, words)
files = st.one_of(
    st.lists(conversations, min_size=1),
    st.lists(completions, min_size=1),
    st.lists(st.builds(lambda text: {"text": text}, words), min_size=1),
)
in_one_place = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def simply_counted(example: dict[str, Any], counting: AnyTokenizer) -> int:
    def count(text: str) -> int:
        return len(counting.encode_ordinary(text))

    if "messages" not in example:
        return sum(count(text) for text in example.values())
    messages = example["messages"]
    return 3 + sum(3 + count(one["role"]) + count(one["content"]) for one in messages)


@given(examples=files, end=st.sampled_from(["\n", "\r\n"]))
@in_one_place
def test_a_good_file_is_counted_as_by_a_simple_reading(
    read: Read, examples: list[dict[str, Any]], end: str
) -> None:
    # every second line with escapes
    lines = [
        json.dumps(example, ensure_ascii=number % 2 == 0) + end
        for number, example in enumerate(examples)
    ]
    found = read("".join(lines).encode(), "llama3")
    assert found.mistakes == found.warnings == ()
    assert found.example_count == len(examples)
    assert found.duplicate_count == len(lines) - len(set(lines))
    for name in ("o200k_base", "llama3"):
        counts = [simply_counted(one, tokenizer(name)) for one in examples]
        assert found.tokens[name] == sum(counts)
        if name == "o200k_base":
            assert found.longest_tokens == max(counts)


def check(content: bytes, read: Read) -> None:
    try:
        found = read(content, "cl100k_base")
    except TrainingFileError:
        return
    assert found.line_count == content.count(b"\n") + (not content.endswith(b"\n"))
    assert found.example_count + found.mistake_count == found.line_count
    assert len(found.mistakes) == min(found.mistake_count, 20)
    assert all(len(why) < 300 and why.isprintable() for _, why in found.mistakes)


@given(
    pack=st.sampled_from([gzip.compress, zstandard.compress]),
    place=st.integers(0, 200),
    junk=st.binary(max_size=6),
)
@in_one_place
def test_any_damage_of_a_compressed_file_ends_in_a_result_or_an_error(
    read: Read, pack: Callable[[bytes], bytes], place: int, junk: bytes
) -> None:
    packed = pack(jsonl(*(chat(user(f"{number}"), assistant()) for number in range(50))))
    try:
        found = read(packed[:place] + junk + packed[place + len(junk) :])
    except TrainingFileError:
        return
    assert found.example_count + found.mistake_count == found.line_count


keys = st.sampled_from(["a", "b", '"', "\\", '\\"', ':"', "\u00e9"])
written = st.recursive(
    st.one_of(st.integers(), st.none(), keys).map(json.dumps),
    lambda inner: st.one_of(
        st.lists(inner).map(lambda values: f"[{', '.join(values)}]"),
        st.lists(st.tuples(keys.map(json.dumps), inner)).map(
            lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}"
        ),
    ),
    max_leaves=12,
)


@given(value=written)
@in_one_place
def test_a_key_that_stands_twice_is_found_wherever_it_is(read: Read, value: str) -> None:
    repeated = []

    def look(pairs: list[tuple[str, object]]) -> None:
        repeated.append(len(pairs) > len({key for key, _ in pairs}))

    json.loads(value, object_pairs_hook=look)
    found = read(f'{{"text": "a", "other": {value}}}\n'.encode())
    assert found.mistake_count == any(repeated)
    assert all("twice" in why for _, why in found.mistakes)


@given(content=st.binary())
@in_one_place
def test_any_bytes_end_in_a_result_or_an_error(read: Read, content: bytes) -> None:
    check(content, read)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def replaced(tree: object, at: int, value: object) -> object:
    """Give a JSON value in which one place, counted from the root, holds another value."""
    places = iter(range(at + 1))

    def walk(node: object) -> object:
        if next(places, None) == at:
            return value
        if isinstance(node, dict):
            return {key: walk(child) for key, child in node.items()}
        return [walk(child) for child in node] if isinstance(node, list) else node

    return walk(tree)


@given(
    line=st.sampled_from([line for _, line, _, _ in FORMATS]),
    at=st.integers(0, 15),
    value=json_values,
)
@in_one_place
def test_any_value_anywhere_is_read_or_named(
    read: Read, line: dict[str, Any], at: int, value: object
) -> None:
    check(jsonl(line, replaced(line, at, value), line), read)


@given(
    line=st.sampled_from([line for _, line, _, _ in FORMATS]),
    place=st.integers(0, 200),
    junk=st.binary(max_size=6),
    removed=st.integers(0, 6),
)
@in_one_place
def test_any_damage_is_read_or_named(
    read: Read, line: dict[str, Any], place: int, junk: bytes, removed: int
) -> None:
    whole = jsonl(line, line)
    check(whole[:place] + junk + whole[place + removed :], read)
