"""How a model wants to be asked, as a preset's [prompt] has it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from comfy_headless.catalog.presets import PRESETS
from comfy_headless.catalog.prompting import Prompting


@pytest.mark.parametrize("name", list(PRESETS))
def test_what_is_shipped(name: str) -> None:
    """Each shipped preset says its form; and one that takes text its tokenizer."""
    preset = PRESETS[name]
    takes_text = any("prompt" in preset.template(task).parameters for task in preset.tasks)
    assert (preset.prompt.form != "none") is takes_text
    assert (preset.prompt.tokenizer is not None) is takes_text
    assert preset.prompt.limit is None or preset.prompt.limit.source in preset.sources


def test_an_older_preset() -> None:
    """A preset of one's own that says nothing of this is read as before: nothing is known."""
    prompting = Prompting.model_validate({"source": "mine"})
    assert (prompting.form, prompting.languages, prompting.order) == (None, (), ())
    assert (prompting.multilingual, prompting.tokenizer, prompting.limit, prompting.words) == (None,) * 4


def test_a_preset_differs_from_its_family() -> None:
    """A preset replaces single keys of its family's: CogVideoX 1.5 was trained with two tokens less."""
    older, newer = (PRESETS[name].prompt for name in ("cogvideo", "cogvideo_1.5"))
    assert older.limit is not None
    assert newer.limit is not None
    assert (older.limit.value, newer.limit.value, newer.limit.over) == (226, 224, "error")
    assert newer.languages == older.languages == ("en",)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"form": "verse"}, "'paragraph', 'phrases' or 'none'"),
        ({"languages": ["english"]}, "languages.0"),
        ({"order": ["hero"]}, "'subject'"),
        ({"limit": {"value": 77, "source": "mine"}}, "'limit' counts the tokens of a 'tokenizer', which is not named"),
        ({"words": {"source": "mine"}}, "it needs 'least', 'most' or both"),
        ({"words": {"least": 9, "most": 3, "source": "mine"}}, "least = 9 is more than most = 3"),
        ({"order": ["light", "camera", "light"]}, "'order' has 'light' twice"),
        ({"languages": ["en", "en"]}, "'languages' has 'en' twice"),
        ({"tone": "warm"}, "tone"),
    ],
)
def test_mistakes(keys: dict[str, object], told: str) -> None:
    """What cannot be meant is an error that names the key and what there is."""
    with pytest.raises(ValidationError) as caught:
        Prompting.model_validate({"source": "mine", **keys})
    assert told in str(caught.value)
