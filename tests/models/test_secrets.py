"""Keys are taken out of what providers say; other words stay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegrove.models.failures import model_error
from codegrove.models.secrets import HIDDEN, without_keys

ENVIRON = {"MY_API_KEY": "plainly-a-key", "TOKEN": "t0k3n-value", "HOME": "/home/me", "DEBUG_KEY": "on"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no access for plainly-a-key here", f"no access for {HIDDEN} here"),
        ("t0k3n-value", HIDDEN),
        ("got sk-proj-abc_DEF123, sent", f"got {HIDDEN}, sent"),
        ("{'Authorization': 'Bearer eyJ0.abc-1'}", f"{{'Authorization': 'Bearer {HIDDEN}'}}"),
        ("POST https://a/v1?key=AIzaSyA1&alt=sse", f"POST https://a/v1?key={HIDDEN}&alt=sse"),
        ("https://me:word@host/v1", f"https://{HIDDEN}@host/v1"),
    ],
)
def test_keys_are_taken_out(text: str, expected: str) -> None:
    assert without_keys(text, ENVIRON) == expected


@pytest.mark.parametrize(
    "text",
    [
        "turn it on in /home/me",
        "Bearer authentication is required",
        "the task-management and disk-encryption tools",
        "max_tokens=4096 is too large for tokens per minute=600000",
        "see https://platform.openai.com/account/api-keys.",
        "mail a@b.org",
    ],
)
def test_other_words_stay(text: str) -> None:
    assert without_keys(text, ENVIRON) == text


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_key_of_the_environment_never_gets_through(before: str, after: str) -> None:
    assert "zqxj-key-0987" not in without_keys(f"{before}zqxj-key-0987{after}", {"A_KEY": "zqxj-key-0987"})


def test_a_provider_that_repeats_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "hushhush")
    error = model_error("m", ValueError("x" * 490 + " Incorrect key hushhush, or sk-abcdefgh"))
    assert "hush" not in str(error) and "sk-a" not in str(error)
